"""A typical hand-written server with FastAPI and ONNX Runtime: each image is predicted separately."""

import json
import socket
import sys
from typing import Annotated, Any

import uvicorn
from fastapi import Body, FastAPI

from benchmarks.sides.pictures import Network, announce

Picture = Annotated[bytes, Body(media_type="image/png")]


def make_app(network: Network, *, threads: bool) -> FastAPI:
    """Create the application.

    Args:
        network: The network that predicts.
        threads: Whether it predicts in FastAPI's threads, rather than in the event loop itself.
    """
    app = FastAPI()

    def answer(body: bytes) -> dict[str, Any]:
        return network.response(network.probabilities(network.decode(body)[None])[0])

    if threads:

        @app.post("/predict")
        def predict(body: Picture) -> dict[str, Any]:
            return answer(body)

    else:

        @app.post("/predict")
        async def predict_at_once(body: Picture) -> dict[str, Any]:
            return answer(body)

    return app


def main() -> None:
    """Serve the network in the first argument, with the settings in the second."""
    app = make_app(Network(sys.argv[1]), **json.loads(sys.argv[2]))
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        announce(listener.getsockname()[1])
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
