"""A fake server with configurable responses, for states of the page that the real server rarely has."""

import base64
import io
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from PIL import Image

import optotype.web

PAGE: Final = Path(optotype.web.__file__).parent / "page"
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    " media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CONTENT_TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def make_model(fingerprint: str = "sha256:0001", **changes: object) -> dict[str, Any]:
    """Return the description of a digit model, like /v1/model."""
    return {
        "name": "mnist-quick",
        "run": None,
        "fingerprint": fingerprint,
        "class_names": [str(digit) for digit in range(10)],
        "input_shape": [28, 28, 1],
        "parameters": 101_770,
        "data": "mnist",
        "source": "mnist",
        "has_label_sets": True,
        "detects_novelty": True,
        "accuracy": {"split": "test", "value": 0.9914, "low": 0.9894, "high": 0.993, "n": 10_000},
        "fits": ["stretch", "digit"],
        "drawing_fit": "digit",
        "corrections_folder": None,
        "neighbours": "ready",
        "neighbours_note": None,
        "limits": {"body_bytes": 1 << 20, "images": 1024, "pixels": 16_000_000},
        **changes,
    }


def make_prediction(probabilities: list[float], **changes: object) -> dict[str, Any]:
    """Return a prediction over classes named 0, 1, 2 and so on, like /v1/predict."""
    top = [{"label": str(index), "probability": value} for index, value in enumerate(probabilities)]
    top.sort(key=lambda entry: -float(str(entry["probability"])))
    return {**top[0], "top": top, "label_set": [top[0]["label"]], "unknown": False, **changes}


class FakeServer:
    """Configurable responses, and a record of requests.

    Attributes:
        model: The response of /v1/model.
        prediction: Every prediction, without the input image.
        errors: Status, detail and Retry-After of the next responses to an image; None for a success.
        delays: Seconds that the next responses to an image take.
        token: The token required under /v1; None for none.
        requests: Method, path and query of each request.
        corrections: Labels of the corrections.
        times: Arrival time of each image, in seconds.
        max_concurrent: Maximum number of concurrent requests with an image.
        concurrent: Current number of concurrent requests with an image.
        port: The port.
    """

    def __init__(self) -> None:
        self.model = make_model()
        self.prediction: dict[str, Any] = make_prediction([0.001] * 7 + [0.985, 0.004, 0.004])
        self.errors: deque[tuple[int, str, int] | None] = deque()
        self.delays: deque[float] = deque()
        self.token: str | None = None
        self.requests: list[tuple[str, str, dict[str, list[str]]]] = []
        self.corrections: list[str] = []
        self.times: list[float] = []
        self.max_concurrent = 0
        self.concurrent = 0
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        """URL of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Listen, at the same port as before."""
        fake_server = self

        class Handler(_Handler):
            server_state = fake_server

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def run_fake_server() -> Iterator[FakeServer]:
    """Start a fake server, and stop it afterwards."""
    server = FakeServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Handler(BaseHTTPRequestHandler):
    server_state: ClassVar[FakeServer]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server_state.requests.append(("GET", parts.path, parse_qs(parts.query)))
        if parts.path == "/v1/model":
            if self._check_token():
                self._send_json(200, self.server_state.model)
        elif parts.path == "/health/ready":
            self._send_json(200, {"status": "ready"})
        else:
            name = parts.path.removeprefix("/page/") if parts.path != "/" else "index.html"
            self._send_file(PAGE / name)

    def do_POST(self) -> None:
        parts, state = urlsplit(self.path), self.server_state
        query = parse_qs(parts.query)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        state.requests.append(("POST", parts.path, query))
        state.times.append(monotonic())
        state.concurrent += 1
        state.max_concurrent = max(state.max_concurrent, state.concurrent)
        if state.delays:
            sleep(state.delays.popleft())
        state.concurrent -= 1
        error = state.errors.popleft() if state.errors else None
        if not self._check_token():
            return
        if error:
            self._send_problem(*error)
            return
        try:
            input_image = self._resize(body)
        except OSError:
            self._send_problem(422, "The image cannot be read: it is truncated. Save it again.", 0)
            return
        self._respond(parts.path, query, input_image)

    def _respond(self, path: str, query: dict[str, list[str]], input_image: str) -> None:
        state = self.server_state
        prediction = {**state.prediction, "input_image": input_image}
        if path == "/v1/predict":
            self._send_json(200, {"model": state.model["fingerprint"], "predictions": [prediction]})
        elif path == "/v1/explain":
            # Only the upper right is evidence.
            attribution = [[1.0 if x > 18 and y < 9 else -0.2 for x in range(28)] for y in range(28)]
            neighbour = {"image": input_image, "label": "7", "distance": 1.25, "file": None}
            explanation = {
                "model": state.model["fingerprint"],
                "prediction": prediction,
                "occlusion": {"label": prediction["label"], "attribution": attribution, "patch": 5},
                "neighbours": {"images": [neighbour] * 6, "note": None},
            }
            self._send_json(200, explanation)
        else:
            state.corrections += query["label"]
            count = len(state.corrections)
            correction = {
                "file": f"{query['label'][0]}/{count:04}.png",
                "folder": state.model["corrections_folder"],
                "count": count,
            }
            self._send_json(201, correction)

    def _resize(self, body: bytes) -> str:
        file = io.BytesIO()
        with Image.open(io.BytesIO(body)) as image:
            image.convert("L").resize((28, 28), Image.Resampling.BOX).save(file, "PNG")
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

    def _check_token(self) -> bool:
        token = self.server_state.token
        if token and self.headers["Authorization"] != f"Bearer {token}":
            self._send_problem(401, "The token is missing or wrong.", 0)
            return False
        return True

    def _send_file(self, path: Path) -> None:
        if path.is_file():
            self._send(200, _CONTENT_TYPES[path.suffix], path.read_bytes())
        else:
            self._send_problem(404, "The page does not exist.", 0)

    def _send_problem(self, status: int, detail: str, retry_after: int) -> None:
        self._send_json(status, {"title": "Error", "status": status, "detail": detail}, retry_after)

    def _send_json(self, status: int, content: object, retry_after: int = 0) -> None:
        self._send(status, "application/json", json.dumps(content).encode(), retry_after)

    def _send(self, status: int, content_type: str, body: bytes, retry_after: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        if retry_after:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name in http.server
        """Log nothing."""
