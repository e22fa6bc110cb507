"""Bodies that are made to take more than they seem to."""

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
from optotype.web.bodies import Wanted, _from_json, _is_light
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.web.samples import as_file, images

WANTED = Wanted((28, 28, 1), "stretch", "uint8", Limits())


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _header(side: int) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))


def _png(*chunks: bytes, side: int) -> bytes:
    pixels = _chunk(b"IDAT", zlib.compress(bytes((side + 1) * side)))
    return b"".join([b"\x89PNG\r\n\x1a\n", *chunks, pixels, _chunk(b"IEND", b"")])


def test_only_what_is_surely_small_is_decoded_where_it_arrives() -> None:
    """A PNG that hides a large header behind a small one or a text, or packed texts, is no light one."""
    plain = as_file(images(1)[0])
    text = _chunk(b"tEXt", bytes(30))
    packed = _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6)))
    assert _is_light(plain)
    assert _is_light(_png(_header(8), side=8))
    assert not _is_light(as_file(images(1)[0], "BMP"))
    for hidden in (
        _png(_header(8), _header(300), side=300),
        _png(text, _header(300), side=300),
        _png(_header(8), packed, side=8),
        _png(_header(200), side=200),
    ):
        assert len(hidden) < 16 * 2**10
        assert not _is_light(hidden)


@pytest.mark.parametrize("image", [["a" * 2**20, *[""] * 2**14], [True, 1], [None], [{}], [[], []], []])
def test_lists_hold_numbers_only(image: list[object]) -> None:
    """Whatever else lists hold is refused before NumPy sees it: strings would take 64 GiB here."""
    with pytest.raises(DataError, match="does not hold equally long lists"):
        _from_json(json.dumps({"images": [image]}).encode(), WANTED)


def test_the_first_fault_of_json_is_told_alone() -> None:
    """Of a hundred thousand things that are no images only the first is looked at."""
    with pytest.raises(DataError, match=r"at 'images\.0': Input should be a valid string"):
        _from_json(json.dumps({"images": [1] * 10**5}).encode(), WANTED)


def test_json_of_more_values_than_a_million_is_not_parsed() -> None:
    """As many of MNIST's images as a request may hold are read; a million values are refused, broken JSON or not."""
    wanted = Wanted((28, 28, 1), "stretch", "uint8", Limits())
    most = np.zeros((1024, 784), int).tolist()
    assert _from_json(json.dumps({"images": most, "dtype": "uint8"}).encode(), wanted).shape == (
        1024,
        28,
        28,
        1,
    )
    with pytest.raises(HTTPException, match="numbers and lists, expected at most 1000000"):
        _from_json(b'{"images": [' + b"[]," * 500_000, wanted)


def test_the_pictures_of_a_request_have_a_limit_together(run: Run) -> None:
    """Eight of the largest pictures are answered; one more is refused, in a form and in JSON."""
    service = Service(run.path, Limits(pixels=900))
    file = as_file(np.zeros((30, 30, 1), np.uint8))
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        for n, status in ((8, 200), (9, 413)):
            form = client.post("/v1/predict", files=[("images", ("a.png", file))] * n)
            listed = client.post("/v1/predict", json={"images": [base64.b64encode(file).decode()] * n})
            assert (form.status_code, listed.status_code) == (status, status)
    assert "7200 pixels in all" in form.json()["detail"]


@pytest.mark.parametrize("charset", ["undefined", "punycode", "bogus"])
def test_a_form_in_a_strange_charset_is_the_clients_doing(client: TestClient, charset: str) -> None:
    """A charset in which the names of the parts cannot be read is answered by 422."""
    body = b'--x\r\nContent-Disposition: form-data; name="im\xffages"; filename="a"\r\n\r\n1\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    assert client.post("/v1/predict", content=body, headers={"Content-Type": kind}).status_code == 422
