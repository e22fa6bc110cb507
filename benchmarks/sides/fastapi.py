"""A server as one writes it by hand, of FastAPI and ONNX Runtime: each picture is predicted by itself."""

import json
import socket
import sys
from typing import Annotated, Any

import uvicorn
from fastapi import Body, FastAPI

from benchmarks.sides.pictures import Network, announce

Picture = Annotated[bytes, Body(media_type="image/png")]


def make_app(network: Network, *, threads: bool) -> FastAPI:
    """Make the application.

    Args:
        network: What answers.
        threads: Whether it does so in FastAPI's threads, rather than in the loop itself.
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
    """Serve the network, with the settings, that the arguments name."""
    app = make_app(Network(sys.argv[1]), **json.loads(sys.argv[2]))
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        announce(listener.getsockname()[1])
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
