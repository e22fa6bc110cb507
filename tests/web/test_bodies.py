"""Request bodies that need more memory or time than their size suggests."""

import base64
import json
import struct
import zlib

import numpy as np
import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from optotype.errors import DataError
from optotype.runs.run import Run
from optotype.web.app import make_app
from optotype.web.bodies import InputSpec, _decode_json, _is_small_png
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.web.samples import encode_image, images

SPEC = InputSpec((28, 28, 1), "stretch", "uint8", Limits())


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _header(side: int) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))


def _png(*chunks: bytes, side: int) -> bytes:
    pixels = _chunk(b"IDAT", zlib.compress(bytes((side + 1) * side)))
    return b"".join([b"\x89PNG\r\n\x1a\n", *chunks, pixels, _chunk(b"IEND", b"")])


def test_only_small_png_files_are_decoded_in_the_event_loop() -> None:
    """A PNG with a large second header, or with compressed text, does not count as small."""
    small = encode_image(images(1)[0])
    text = _chunk(b"tEXt", bytes(30))
    compressed_text = _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6)))
    assert _is_small_png(small)
    assert _is_small_png(_png(_header(8), side=8))
    assert not _is_small_png(encode_image(images(1)[0], "BMP"))
    for file in (
        _png(_header(8), _header(300), side=300),
        _png(text, _header(300), side=300),
        _png(_header(8), compressed_text, side=8),
        _png(_header(200), side=200),
    ):
        assert len(file) < 16 * 2**10
        assert not _is_small_png(file)


@pytest.mark.parametrize("image", [["a" * 2**20, *[""] * 2**14], [True, 1], [None], [{}], [[], []], []])
def test_lists_contain_only_numbers(image: list[object]) -> None:
    """Other values are rejected before NumPy converts them: the strings here would take 64 GiB."""
    with pytest.raises(DataError, match="Image 0"):
        _decode_json(json.dumps({"images": [image]}).encode(), SPEC)


def test_json_validation_stops_at_the_first_error() -> None:
    """Of 100,000 invalid images only the first is reported."""
    with pytest.raises(DataError, match=r"'images\.0': Input should be a valid string"):
        _decode_json(json.dumps({"images": [1] * 10**5}).encode(), SPEC)


def test_json_with_a_million_values_is_not_parsed() -> None:
    """1024 MNIST images are read; a million values give 413, even in malformed JSON."""
    lists = np.zeros((1024, 784), int).tolist()
    body = json.dumps({"images": lists, "dtype": "uint8"}).encode()
    assert _decode_json(body, SPEC).shape == (1024, 28, 28, 1)
    with pytest.raises(HTTPException, match="1000000"):
        _decode_json(b'{"images": [' + b"[]," * 500_000, SPEC)


def test_total_pixels_of_a_request_are_limited(run: Run) -> None:
    """Eight images of the maximum size are accepted; nine give 413, in a form and in JSON."""
    service = Service(run.path, Limits(pixels=900))
    file = encode_image(np.zeros((30, 30, 1), np.uint8))
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        for n, status in ((8, 200), (9, 413)):
            form = client.post("/v1/predict", files=[("images", ("a.png", file))] * n)
            listed = client.post("/v1/predict", json={"images": [base64.b64encode(file).decode()] * n})
            assert (form.status_code, listed.status_code) == (status, status)
    assert "7200 pixels" in form.json()["detail"]


@pytest.mark.parametrize("charset", ["undefined", "punycode", "bogus"])
def test_form_with_an_unknown_charset_gets_422(client: TestClient, charset: str) -> None:
    """A charset that cannot decode the part names is the client's error."""
    body = b'--x\r\nContent-Disposition: form-data; name="im\xffages"; filename="a"\r\n\r\n1\r\n--x--\r\n'
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    response = client.post("/v1/predict", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 422
