"""Requests of these tests, and checks that apply to every response."""

import json
from typing import Any, Final

from httpx2 import Response
from starlette.testclient import TestClient

from tests.web.samples import encode_image, images

PATHS: Final = ("/v1/predict", "/v1/explain", "/v1/corrections?label=7")
GOOD: Final = encode_image(images(1)[0])
FORM: Final = "multipart/form-data; boundary=x"


def post(client: TestClient, body: bytes, content_type: str | None, path: str = PATHS[0]) -> Response:
    """Send a body and check that the response is a success or a well-formed client error."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post(path, content=body, headers=headers)
    if response.status_code in {200, 201}:
        return response
    assert 400 <= response.status_code < 500
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"title", "status", "detail"}
    assert problem["status"] == response.status_code
    assert problem["detail"].endswith(".")
    assert len(problem["detail"]) < 1000
    return response


def assert_rejected(response: Response, status: int, *words: str) -> None:
    """Check a rejection's status, and words that its message must contain."""
    assert response.status_code == status, response.text
    for word in words:
        assert word in response.json()["detail"]


def as_json(images: Any) -> bytes:
    """Encode images as a JSON body."""
    return json.dumps({"images": images}).encode()


def form(*parts: tuple[str, bytes]) -> bytes:
    """Encode a form with the boundary x; each part is the rest of its header, and its content."""
    lines = [
        b"--x\r\nContent-Disposition: form-data; " + header.encode() + b"\r\n\r\n" + body
        for header, body in parts
    ]
    return b"\r\n".join([*lines, b"--x--\r\n"])
