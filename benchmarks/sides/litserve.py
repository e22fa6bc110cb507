"""LitServe, with batching as its documentation recommends for small networks; one separate process predicts."""

import json
import socket
import sys
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Body
from numpy.typing import NDArray

from benchmarks.sides.pictures import Network, announce

_BATCH = 64


class Predict(litserve.LitAPI):  # type: ignore[misc] # it has no types
    """The steps of LitServe for a request.

    Args:
        path: The network's file.
        wait: Seconds that a batch waits for more images.
    """

    def __init__(self, path: str, wait: float) -> None:
        super().__init__(max_batch_size=_BATCH, batch_timeout=wait)
        self._path = path

    def setup(self, device: str) -> None:  # noqa: ARG002 - always the processor
        """Load the network, in the process that predicts."""
        self._network = Network(self._path)

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/png")]) -> NDArray[np.uint8]:
        """Decode an image."""
        return self._network.decode(request)

    def predict(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Predict a batch."""
        return self._network.probabilities(x)

    def encode_response(self, output: NDArray[np.float32]) -> dict[str, Any]:
        """Return the response for one image."""
        return self._network.response(output)


def main() -> None:
    """Serve the network and settings that the command-line arguments contain."""
    settings = json.loads(sys.argv[2])
    api = Predict(sys.argv[1], settings.pop("wait"))
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1, **settings)
    # It takes a port's number only.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    announce(port, "litserve")
    server.run("127.0.0.1", port, num_api_servers=1, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
