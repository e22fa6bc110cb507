"""Damaged pictures, pictures of too many pixels, and pictures under other names."""

import io
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient

from optotype.data.pictures.image_file import open_picture
from optotype.web.bodies import _is_light
from tests.web.hostile.sending import FORM, GOOD, PATHS, refused, sent
from tests.web.samples import as_file, images

KINDS = ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")


@st.composite
def mutants(draw: st.DrawFn, kind: str) -> bytes:
    """Draw a picture file with some of its bytes changed, cut out, doubled or put elsewhere."""
    content = bytearray(as_file(images(1)[0], kind))
    for _ in range(draw(st.integers(1, 8))):
        # Headers are at the beginning, and so is most of what can go wrong.
        start = draw(st.integers(0, len(content)) | st.integers(0, min(64, len(content))))
        stop = draw(st.integers(start, min(len(content), start + 64)))
        content[start:stop] = draw(st.binary(max_size=16) | st.just(bytes(content[start:stop]) * 2))
    return bytes(content)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_pictures_are_answered(client: TestClient, kind: str, data: st.DataObject) -> None:
    """A picture file whose bytes were changed is an image, or is refused in a sentence."""
    path = data.draw(st.sampled_from([*PATHS, "/v1/predict?fit=digit", "/v1/predict?seen=true"]))
    sent(client, data.draw(mutants(kind)), f"image/{kind.lower()}", path)


def chunk(name: bytes, content: bytes) -> bytes:
    """Write a chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_header(width: int, height: int, bits: int = 8) -> bytes:
    """Write the beginning of a grey PNG of some size."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))


def tiff_header(width: int, height: int) -> bytes:
    """Write a TIFF of some size, whose one strip is empty."""
    tags = [
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, 0),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)


BOMBS = {
    "png": png_header(100_000, 100_000) + chunk(b"IDAT", b""),
    "png of one line": png_header(2**31 - 1, 1) + chunk(b"IDAT", b""),
    "png hardly too large": png_header(8001, 4000) + chunk(b"IDAT", b""),
    "gif": b"GIF89a"
    + struct.pack("<HHBBBcHHHHBB", 65535, 65535, 0, 0, 0, b",", 0, 0, 65535, 65535, 0, 8)
    + b"\0;",
    "bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 50_000, 50_000, 1, 24, *[0] * 6),
    "tiff": tiff_header(60_000, 60_000),
    "jpeg": bytes.fromhex("ffd8ffc0000b08ffdcffdc01011100ffda0008010100003f00"),
}
"""Hardly more than headers."""


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("path", PATHS)
def test_too_many_pixels_are_refused_by_the_header(client: TestClient, name: str, path: str) -> None:
    """A file that announces more pixels than are taken, and holds none, is refused for them: none was looked for."""
    refused(sent(client, BOMBS[name], "image/png", path), 422, "pixels")


def test_a_large_picture_of_nothing_is_refused(client: TestClient) -> None:
    """A sound file of a few kilobytes that unpacks to more pixels than are taken is refused; one just below is read."""
    for side, status in ((3999, 200), (4001, 422)):
        file = io.BytesIO()
        Image.new("1", (side, 8000)).save(file, "PNG")
        assert file.tell() < 40_000
        assert sent(client, file.getvalue(), "image/png").status_code == status


@pytest.mark.parametrize(
    "first",
    [chunk(b"tEXt", bytes([0, 0, 0, 1] * 2)), chunk(b"IHDR", bytes([0, 0, 0, 1] * 2 + [1, 0, 0, 0, 0]))],
)
def test_a_second_header_makes_no_picture_small(first: bytes) -> None:
    """A PNG that looks like one pixel to whoever reads its first 24 bytes is not decoded in the loop."""
    header = png_header(4000, 3999, 1)
    packed = chunk(b"IDAT", zlib.compress(bytes(501 * 3999)))
    assert open_picture(header[:8] + first + header[8:] + packed).size == (4000, 3999)
    assert not _is_light(header[:8] + first + header[8:] + packed)
    assert not _is_light(header + packed)
    assert _is_light(GOOD)


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_what_unpacks_beside_the_pixels_is_bounded(client: TestClient, name: bytes) -> None:
    """Text or a profile of 256 MB, packed into some of a PNG, is refused, or not unpacked at all."""
    packed = zlib.compress(bytes(2**28), 1)
    bomb = GOOD[:33] + chunk(name, b"a\0\0" + packed) + GOOD[33:]
    sent(client, bomb, "image/png")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_no_image(client: TestClient, path: str) -> None:
    """An empty body is refused, whatever it says it is."""
    for kind in ("image/png", "application/json", "application/octet-stream", FORM):
        refused(sent(client, b"", kind, path), 422)
    refused(sent(client, b"", None, path), 415)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 422),
        (FORM, 400),
        ("application/octet-stream", 422),
        ("text/html", 415),
        ("image", 415),
        ("image/", 200),
        ("image/svg+xml", 200),
        ("IMAGE/JPEG; charset=utf-8", 200),
        ("image/png, application/json", 200),
        ("application/json; image/png", 422),
        (";", 415),
        ("a" * 10_000, 415),
        ("\u00ff\u0000", 415),
    ],
)
def test_a_picture_under_another_type(client: TestClient, kind: str, status: int) -> None:
    """What the type says decides how a picture is read; which image type it says makes no difference."""
    answer = client.post(PATHS[0], content=GOOD, headers={b"Content-Type": kind.encode("latin-1")})
    assert answer.status_code == status, answer.text
    assert status == 200 or len(answer.json()["detail"]) < 1000


@pytest.mark.parametrize(
    "body",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"P5 28 28 255\n" + bytes(784),
        b"%PDF-1.7",
        b"GIF89a",
        b"\0" * 784,
    ],
)
def test_other_formats_have_no_decoder(client: TestClient, body: bytes) -> None:
    """Formats other than the six are not read, even where the library could, or would ask another program to."""
    refused(
        sent(client, body, "image/png"),
        422,
        "Expected an intact file in one of the formats PNG, JPEG, WEBP, BMP, GIF, TIFF",
    )
