"""What these tests send, and what every answer has in common."""

import json
from typing import Any, Final

from httpx2 import Response
from starlette.testclient import TestClient

from tests.web.samples import as_file, images

PATHS: Final = ("/v1/predict", "/v1/explain", "/v1/corrections?label=7")
GOOD: Final = as_file(images(1)[0])
FORM: Final = "multipart/form-data; boundary=x"


def sent(client: TestClient, body: bytes, kind: str | None, path: str = PATHS[0]) -> Response:
    """Send a body, and see that the answer is one that a client can use."""
    headers = {} if kind is None else {"Content-Type": kind}
    answer = client.post(path, content=body, headers=headers)
    if answer.status_code in {200, 201}:
        return answer
    assert 400 <= answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == {"title", "status", "detail"}
    assert told["status"] == answer.status_code
    assert told["detail"].endswith(".")
    assert len(told["detail"]) < 1000
    return answer


def refused(answer: Response, status: int, *words: str) -> None:
    """See that a request was refused, in these words."""
    assert answer.status_code == status, answer.text
    for word in words:
        assert word in answer.json()["detail"]


def as_json(value: Any) -> bytes:
    """Write images as a JSON body."""
    return json.dumps({"images": value}).encode()


def form(*parts: tuple[str, bytes]) -> bytes:
    """Write a form with the boundary x; each part is the rest of its header, and its content."""
    lines = [
        b"--x\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + body
        for head, body in parts
    ]
    return b"\r\n".join([*lines, b"--x--\r\n"])
