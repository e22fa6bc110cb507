"""From the body of a request to the images that a model takes; every byte of it is anyone's.

What kind of body it is, its Content-Type says; which picture format, the picture's own first bytes.
"""

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from optotype.data.pictures.decode import Fit, picture_to_array
from optotype.data.pictures.image_file import UnusableError, ignore_pillow_warnings, open_picture
from optotype.errors import DataError
from optotype.models.inputs import Pixels, as_batch
from optotype.web.limits import Limits
from optotype.web.problems import shown

Shape = tuple[int, int, int]
Dtype = Literal["uint8", "float32"]

PART: Final = "images"
"""Name of the parts of a form that are pictures, and of the list in JSON."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_LIGHT_BYTES: Final = 16 * 2**10
_LIGHT_PIXELS: Final = 128 * 128
_HEADER: Final = b"\x00\x00\x00\x0dIHDR"
_PACKED: Final = (b"zTXt", b"iTXt", b"iCCP")
"""Chunks of a PNG file that hold more than they take."""
_PICTURES: Final = 8
"""Times the limit of one picture's pixels that the pictures of one request may have together: some seconds' work."""

_CONTENT: Final = {"type": "string", "format": "binary"}
_EXAMPLE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""The smallest picture there is: one black pixel."""

_MOST_VALUES: Final = 1_000_000
"""Numbers and lists in JSON: each takes up to a hundred times the bytes it is written with, and the parser keeps all
other requests waiting. Enough for 1024 images of 28 x 28."""
_NAME: Final = 10
"""Values that a name counts for."""


class JsonImages(BaseModel):
    """Images in JSON."""

    model_config = ConfigDict(extra="forbid")

    # Stopped at the first fault: a list of each would be a thousand times the body.
    images: Annotated[list[str | list[Any]], FailFast()] = Field(
        description="Each a picture file in Base64, or pixels in nested lists of the model's shape (the last axis may"
        " be left out for one channel) or flat."
    )
    dtype: Dtype = Field(
        default="uint8", description="What lists hold: whole numbers in 0 .. 255, or numbers in 0 .. 1."
    )


OPENAPI: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "image/png": {"schema": _CONTENT},
            "image/jpeg": {"schema": _CONTENT},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [PART],
                    "properties": {PART: {"type": "array", "items": _CONTENT, "minItems": 1}},
                }
            },
            "application/json": {
                "schema": JsonImages.model_json_schema(),
                "example": {"images": [_EXAMPLE], "dtype": "uint8"},
            },
            "application/octet-stream": {
                "schema": {**_CONTENT, "description": "The pixels of any number of images, row by row."}
            },
        },
    }
}


@dataclass(frozen=True)
class Wanted:
    """What a body is to become.

    Attributes:
        shape: Of an image, (height, width, channels).
        fit: How pictures are brought to it.
        dtype: What raw pixels are.
        limits: What a body may hold.
    """

    shape: Shape
    fit: Fit
    dtype: Dtype
    limits: Limits


@dataclass(frozen=True)
class Body:
    """The body of a request.

    Attributes:
        decode: Gives an array as `as_batch` does; or raises DataError, or HTTPException where it holds too much.
        is_light: Whether decoding takes no longer than handing it to another thread would.
    """

    decode: Callable[[], Pixels]
    is_light: bool = False


async def read_images(request: Request, wanted: Wanted) -> Body:
    """Read a body whole.

    Args:
        request: The request.
        wanted: What its body is to become.

    Raises:
        HTTPException: The body is of another kind, or none.
        DataError: It is not what its kind must be.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        pictures = await _parts(request, wanted.limits)
        return Body(lambda: _from_pictures(pictures, wanted))
    content = await request.body()
    if kind.startswith("image/"):
        return Body(lambda: _from_pictures([content], wanted), wanted.fit == "stretch" and _is_light(content))
    if kind == "application/json":
        return Body(lambda: _from_json(content, wanted))
    if kind == "application/octet-stream":
        return Body(lambda: _from_raw(content, wanted), len(content) <= _LIGHT_BYTES)
    raise HTTPException(
        415,
        f"The Content-Type is {shown(kind) if kind else 'not given'}, expected a picture's (image/png, ...),"
        " multipart/form-data, application/json or application/octet-stream. Name what the body is, such as"
        " -H 'Content-Type: image/png' with curl.",
    )


async def _parts(request: Request, limits: Limits) -> list[bytes]:
    """Take the pictures out of a form, which holds nothing else."""
    try:
        async with request.form(max_files=limits.images, max_fields=0) as form:
            items = form.multi_items()
            strange = sorted({name for name, _ in items if name != PART})
            if strange or not items:
                raise DataError(
                    f"The form has parts named {shown(strange)}, expected files, each in a part named {PART!r}."
                    f" Name them so: -F {PART}=@seven.png with curl."
                )
            return [await part.read() for _, part in items if isinstance(part, UploadFile)]
    except UnicodeError:
        raise DataError(
            "The names in the form are not in the charset that its Content-Type names. Leave the charset out."
        ) from None
    except HTTPException as error:
        # Starlette tells these apart in words only.
        if error.detail.startswith("Too many files"):
            raise _too_many(f"more than {limits.images}", limits) from None
        if error.detail.startswith("Too many fields"):
            raise DataError(
                f"The form has a part that is no file, expected files only, each in a part named {PART!r}. With curl"
                f" the @ makes it a file: -F {PART}=@seven.png."
            ) from None
        raise


def _is_light(content: bytes) -> bool:
    """Tell by the header of a PNG file, which says so in its first 24 bytes, that it is a small one.

    Of a file with two headers Pillow believes the second.
    """
    if len(content) > _LIGHT_BYTES or not content.startswith(_PNG + _HEADER) or content.count(b"IHDR") != 1:
        return False
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    return width * height <= _LIGHT_PIXELS and not any(kind in content for kind in _PACKED)


def _from_pictures(contents: Sequence[bytes], wanted: Wanted) -> Pixels:
    decoder, alone = _Decoder(wanted), len(contents) == 1
    decoded = [
        decoder.decode(content, "The image" if alone else f"Image {place}")
        for place, content in enumerate(contents)
    ]
    return as_batch(decoded, wanted.shape)


class _Decoder:
    """Decodes the pictures of one request, as long as they have not too many pixels in all."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._most = self._left = _PICTURES * wanted.limits.pixels

    def decode(self, content: bytes, name: str) -> Pixels:
        """Decode a picture; the name is what an error calls it."""
        wanted = self._wanted
        try:
            with ignore_pillow_warnings():
                picture = open_picture(content, wanted.limits.pixels)
                self._left -= picture.width * picture.height
                if self._left < 0:
                    raise HTTPException(
                        413,
                        f"The pictures of the request have more than {self._most} pixels in all. Send them smaller, or"
                        " in several requests.",
                    )
                return picture_to_array(picture, wanted.shape, wanted.fit)
        except UnusableError as fault:
            raise DataError(f"{name} {fault.reason}. {fault.advice}") from None


def _from_raw(content: bytes, wanted: Wanted) -> Pixels:
    """Take an array as it lies in memory, little-endian."""
    pixels = math.prod(wanted.shape)
    size = pixels * np.dtype(wanted.dtype).itemsize
    if not content or len(content) % size:
        raise DataError(
            f"The body has {len(content)} bytes, expected a multiple of {size}: {pixels} pixels of {wanted.dtype} for"
            f" each image of shape {wanted.shape}. Send images.tobytes()."
        )
    _check_count(len(content) // size, wanted.limits)
    array = np.frombuffer(content, np.dtype(wanted.dtype).newbyteorder("<"))
    return as_batch(array.reshape(-1, *wanted.shape), wanted.shape)


def _from_json(content: bytes, wanted: Wanted) -> Pixels:
    # Base64 has none of these, so what is counted is what is made; each unknown name would make an error, too.
    values = sum(map(content.count, (b",", b"[", b"{"))) + _NAME * content.count(b":")
    if values > _MOST_VALUES:
        raise HTTPException(
            413,
            f"The JSON has {values} numbers and lists, expected at most {_MOST_VALUES}. Send fewer images, or their"
            " pixels as application/octet-stream.",
        )
    try:
        given = JsonImages.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"][:2])
        raise DataError(
            f"The JSON does not fit{place and f', at {shown(place)}'}: {first['msg']}. Expected"
            f' {{"{PART}": [...]}}, each a picture in Base64 or pixels in lists.'
        ) from None
    if not given.images:
        raise DataError(f"The list {PART!r} is empty, expected at least one image.")
    _check_count(len(given.images), wanted.limits)
    return as_batch([*_from_items(given, wanted)], wanted.shape)


def _from_items(given: JsonImages, wanted: Wanted) -> Iterator[Pixels]:
    decoder = _Decoder(wanted)
    for place, item in enumerate(given.images):
        if isinstance(item, str):
            yield decoder.decode(_from_base64(item, place), f"Image {place}")
        else:
            yield _from_lists(item, place, given.dtype)


def _from_base64(text: str, place: int) -> bytes:
    address, found, content = text.partition(";base64,")
    try:
        # A picture in an address, as the answers have it, is as good.
        return base64.b64decode(content if found and address.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError(
            f"Image {place} is a string of {len(text)} characters that is no Base64, expected a picture file in Base64."
            " No paths and no addresses are read here: send the file itself."
        ) from None


def _from_lists(item: list[Any], place: int, dtype: Dtype) -> Pixels:
    """Turn nested lists into an array, of numbers only."""
    try:
        array = np.array(item) if _holds_numbers(item) else np.empty(0, object)
    except (ValueError, OverflowError):
        array = np.empty(0, object)
    whole = array.dtype.kind in "iu"
    if not (whole or (dtype == "float32" and array.dtype.kind == "f")):
        kind = "whole numbers in 0 .. 255" if dtype == "uint8" else "numbers in 0 .. 1"
        raise DataError(
            f"Image {place} does not hold equally long lists of {kind}, expected those for dtype {dtype!r}. Correct it,"
            ' or give "dtype": "float32" for numbers in 0 .. 1.'
        )
    if dtype == "uint8" and array.size and not 0 <= array.min() <= array.max() <= 255:
        raise DataError(
            f"Image {place} holds values from {array.min()} to {array.max()}, expected 0 .. 255 for dtype 'uint8'."
            " Bring them into that range."
        )
    with np.errstate(over="ignore"):  # becomes infinite, and is then out of range
        return array.astype(dtype)


def _holds_numbers(item: list[Any]) -> bool:
    """Tell whether nested lists hold numbers, and nothing else: NumPy would make all strings as long as the longest."""
    while (kinds := set(map(type, item))) == {list}:
        item = [*chain.from_iterable(item)]
    return bool(kinds) and kinds <= {int, float}


def _check_count(images: int, limits: Limits) -> None:
    if images > limits.images:
        raise _too_many(f"{images}", limits)


def _too_many(images: str, limits: Limits) -> HTTPException:
    return HTTPException(
        413,
        f"The request holds {images} images, expected at most {limits.images}. Send them in several requests.",
    )
