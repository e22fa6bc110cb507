"""A server that answers as it is told, for states of the page that are hard to bring about with the real one."""

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
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    " media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def digits(fingerprint: str = "sha256:0001", **changed: object) -> dict[str, Any]:
    """Describe a model of digits, as /v1/model does."""
    return {
        "name": "mnist-quick",
        "run": None,
        "fingerprint": fingerprint,
        "class_names": [str(digit) for digit in range(10)],
        "input_shape": [28, 28, 1],
        "parameters": 101_770,
        "data": "mnist",
        "source": "mnist",
        "label_sets": True,
        "rejects": True,
        "accuracy": {"split": "test", "value": 0.9914, "low": 0.9894, "high": 0.993, "n": 10_000},
        "fits": ["stretch", "digit"],
        "drawing_fit": "digit",
        "collect": None,
        "similar": "ready",
        "similar_note": None,
        "limits": {"body_bytes": 1 << 20, "images": 1024, "pixels": 16_000_000},
        **changed,
    }


class Fake:
    """What the server answers, and what it was asked.

    Attributes:
        model: What /v1/model gives.
        prediction: What every prediction says, beside what is seen.
        refusals: Status, sentence and Retry-After of the next answers to a picture; None answers it.
        delays: Seconds that the next answers to a picture take.
        token: What must be sent under /v1; None for none.
        asked: Each request: method, path, query.
        kept: Labels of the corrections.
        times: When each picture came, in seconds.
        at_once: How many pictures were under way at once, at most.
    """

    def __init__(self) -> None:
        self.model = digits()
        self.prediction: dict[str, Any] = prediction([0.001] * 7 + [0.985, 0.004, 0.004])
        self.refusals: deque[tuple[int, str, int] | None] = deque()
        self.delays: deque[float] = deque()
        self.token: str | None = None
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.kept: list[str] = []
        self.times: list[float] = []
        self.at_once = 0
        self.under_way = 0
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def address(self) -> str:
        """Say where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Listen, at the port of the last time."""
        told = self

        class Handler(_Handler):
            fake = told

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Be gone."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()


def prediction(probabilities: list[float], **changed: object) -> dict[str, Any]:
    """Give a prediction over classes named 0, 1, 2 and so on, as /v1/predict does."""
    top = [{"label": str(index), "probability": share} for index, share in enumerate(probabilities)]
    top.sort(key=lambda each: -float(str(each["probability"])))
    return {**top[0], "top": top, "label_set": [top[0]["label"]], "unknown": False, **changed}


@contextmanager
def running() -> Iterator[Fake]:
    """Start a fake server, and stop it afterwards."""
    fake = Fake()
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()


class _Handler(BaseHTTPRequestHandler):
    fake: ClassVar[Fake]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.fake.asked.append(("GET", parts.path, parse_qs(parts.query)))
        if parts.path == "/v1/model":
            if not self._locked():
                self._json(200, self.fake.model)
        elif parts.path == "/health/ready":
            self._json(200, {"status": "ready"})
        else:
            self._file(PAGE / (parts.path.removeprefix("/page/") if parts.path != "/" else "index.html"))

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.fake.asked.append(("POST", parts.path, query))
        self.fake.times.append(monotonic())
        self.fake.under_way += 1
        self.fake.at_once = max(self.fake.at_once, self.fake.under_way)
        if self.fake.delays:
            sleep(self.fake.delays.popleft())
        self.fake.under_way -= 1
        refusal = self.fake.refusals.popleft() if self.fake.refusals else None
        if self._locked():
            return
        if refusal:
            self._problem(*refusal)
            return
        try:
            seen = self._seen(body)
        except OSError:
            self._problem(422, "The picture cannot be read: it is cut short. Save it again.", 0)
            return
        self._answer(parts.path, query, seen)

    def _answer(self, path: str, query: dict[str, list[str]], seen: str) -> None:
        said = {**self.fake.prediction, "seen": seen}
        if path == "/v1/predict":
            self._json(200, {"model": self.fake.model["fingerprint"], "predictions": [said]})
        elif path == "/v1/explain":
            # Nothing matters but the upper right.
            drops = [[1.0 if x > 18 and y < 9 else -0.2 for x in range(28)] for y in range(28)]
            similar = {
                "images": [{"picture": seen, "label": "7", "distance": 1.25, "file": None}] * 6,
                "note": None,
            }
            occlusion = {"label": said["label"], "drops": drops, "patch": 5}
            answer = {"prediction": said, "occlusion": occlusion, "similar": similar}
            self._json(200, {"model": self.fake.model["fingerprint"], **answer})
        else:
            self.fake.kept += query["label"]
            count = len(self.fake.kept)
            self._json(
                201,
                {
                    "file": f"{query['label'][0]}/{count:04}.png",
                    "folder": self.fake.model["collect"],
                    "count": count,
                },
            )

    def _seen(self, body: bytes) -> str:
        into = io.BytesIO()
        with Image.open(io.BytesIO(body)) as picture:
            picture.convert("L").resize((28, 28), Image.Resampling.BOX).save(into, "PNG")
        return "data:image/png;base64," + base64.b64encode(into.getvalue()).decode()

    def _locked(self) -> bool:
        if self.fake.token and self.headers["Authorization"] != f"Bearer {self.fake.token}":
            self._problem(401, "The token is missing or wrong.", 0)
            return True
        return False

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._problem(404, "There is no such page.", 0)
            return
        self._send(200, _KINDS[path.suffix], path.read_bytes())

    def _problem(self, status: int, detail: str, wait: int) -> None:
        self._json(status, {"title": "Refused", "status": status, "detail": detail}, wait)

    def _json(self, status: int, answer: object, wait: int = 0) -> None:
        self._send(status, "application/json", json.dumps(answer).encode(), wait)

    def _send(self, status: int, kind: str, body: bytes, wait: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CSP)
        if wait:
            self.send_header("Retry-After", str(wait))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the tests read what was asked."""
