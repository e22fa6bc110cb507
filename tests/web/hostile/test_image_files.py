"""Damaged image files, decompression bombs, and image files with a wrong Content-Type."""

import io
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient

from optotype.data.pictures.image_file import open_picture
from optotype.web.bodies import _is_small_png
from tests.web.hostile.requests import FORM, GOOD, PATHS, assert_rejected, post
from tests.web.samples import encode_image, images

KINDS = ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")


@st.composite
def damaged_files(draw: st.DrawFn, kind: str) -> bytes:
    """Generate an image file with some bytes changed, removed or repeated."""
    content = bytearray(encode_image(images(1)[0], kind))
    for _ in range(draw(st.integers(1, 8))):
        # Most errors are in headers, at the start of the file.
        start = draw(st.integers(0, len(content)) | st.integers(0, min(64, len(content))))
        stop = draw(st.integers(start, min(len(content), start + 64)))
        content[start:stop] = draw(st.binary(max_size=16) | st.just(bytes(content[start:stop]) * 2))
    return bytes(content)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_images_get_a_response(client: TestClient, kind: str, data: st.DataObject) -> None:
    """An image file with changed bytes is predicted, or gets an error message."""
    path = data.draw(st.sampled_from([*PATHS, "/v1/predict?fit=digit", "/v1/predict?input_image=true"]))
    post(client, data.draw(damaged_files(kind)), f"image/{kind.lower()}", path)


def chunk(name: bytes, content: bytes) -> bytes:
    """Encode a chunk of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_header(width: int, height: int, bits: int = 8) -> bytes:
    """Encode the start of a grey PNG file of a given size."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))


def tiff_header(width: int, height: int) -> bytes:
    """Encode a TIFF file of a given size whose only strip is empty."""
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
    "png just too large": png_header(8001, 4000) + chunk(b"IDAT", b""),
    "gif": b"GIF89a"
    + struct.pack("<HHBBBcHHHHBB", 65535, 65535, 0, 0, 0, b",", 0, 0, 65535, 65535, 0, 8)
    + b"\0;",
    "bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 50_000, 50_000, 1, 24, *[0] * 6),
    "tiff": tiff_header(60_000, 60_000),
    "jpeg": bytes.fromhex("ffd8ffc0000b08ffdcffdc01011100ffda0008010100003f00"),
}
"""Files that contain little more than headers."""


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("path", PATHS)
def test_too_many_pixels_are_rejected_by_the_header(client: TestClient, name: str, path: str) -> None:
    """A file whose header announces too many pixels gives 422 for them, before any pixel is read."""
    assert_rejected(post(client, BOMBS[name], "image/png", path), 422, "pixels")


def test_small_file_with_too_many_pixels_is_rejected(client: TestClient) -> None:
    """An intact file of a few kilobytes with too many pixels is rejected; one just below the limit is read."""
    for side, status in ((3999, 200), (4001, 422)):
        file = io.BytesIO()
        Image.new("1", (side, 8000)).save(file, "PNG")
        assert file.tell() < 40_000
        assert post(client, file.getvalue(), "image/png").status_code == status


@pytest.mark.parametrize(
    "first",
    [chunk(b"tEXt", bytes([0, 0, 0, 1] * 2)), chunk(b"IHDR", bytes([0, 0, 0, 1] * 2 + [1, 0, 0, 0, 0]))],
)
def test_second_png_header_does_not_make_an_image_small(first: bytes) -> None:
    """A PNG whose first 24 bytes look like one pixel is not decoded in the event loop."""
    header = png_header(4000, 3999, 1)
    compressed = chunk(b"IDAT", zlib.compress(bytes(501 * 3999)))
    assert open_picture(header[:8] + first + header[8:] + compressed).size == (4000, 3999)
    assert not _is_small_png(header[:8] + first + header[8:] + compressed)
    assert not _is_small_png(header + compressed)
    assert _is_small_png(GOOD)


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_compressed_metadata_is_limited(client: TestClient, name: bytes) -> None:
    """Text or a profile of 256 MB, compressed in a PNG file, is rejected or not decompressed."""
    compressed = zlib.compress(bytes(2**28), 1)
    bomb = GOOD[:33] + chunk(name, b"a\0\0" + compressed) + GOOD[33:]
    post(client, bomb, "image/png")


@pytest.mark.parametrize("path", PATHS)
def test_empty_bodies_are_rejected(client: TestClient, path: str) -> None:
    """An empty body is rejected for every Content-Type."""
    for kind in ("image/png", "application/json", "application/octet-stream", FORM):
        assert_rejected(post(client, b"", kind, path), 422)
    assert_rejected(post(client, b"", None, path), 415)


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
def test_content_type_decides_how_a_body_is_read(client: TestClient, kind: str, status: int) -> None:
    """The Content-Type decides how a body is read; all image types are equivalent."""
    response = client.post(PATHS[0], content=GOOD, headers={b"Content-Type": kind.encode("latin-1")})
    assert response.status_code == status, response.text
    assert status == 200 or len(response.json()["detail"]) < 1000


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
def test_other_image_formats_are_rejected(client: TestClient, body: bytes) -> None:
    """Formats other than the six are not read, even if Pillow could read them, itself or with another program."""
    assert_rejected(
        post(client, body, "image/png"),
        422,
        "PNG, JPEG, WEBP, BMP, GIF, TIFF",
    )
