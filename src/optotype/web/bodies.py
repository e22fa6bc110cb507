"""Conversion of request bodies to model inputs; every byte of a body is untrusted.

The Content-Type decides how a body is read. An image file's own first bytes decide its format.
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
from optotype.web.problems import abbreviate

Shape = tuple[int, int, int]
Dtype = Literal["uint8", "float32"]

FIELD: Final = "images"
"""Name of a form's file parts, and of the list in JSON."""

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_IHDR_START: Final = b"\x00\x00\x00\x0dIHDR"
_COMPRESSED_CHUNKS: Final = (b"zTXt", b"iTXt", b"iCCP")
"""Chunks of a PNG file that are larger when decompressed."""
_MAX_INLINE_BYTES: Final = 16 * 2**10
_MAX_INLINE_PIXELS: Final = 128 * 128
_MAX_PIXELS_FACTOR: Final = 8
"""All image files of a request may have this many times the pixels of one file: a few seconds of decoding."""

_BINARY: Final = {"type": "string", "format": "binary"}
_EXAMPLE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""The smallest possible image: one black pixel."""

_MAX_JSON_VALUES: Final = 1_000_000
"""Numbers and lists in JSON. Each takes up to 100 times its bytes in memory, and the parser blocks all other requests.
Enough for 1,024 images of 28 x 28."""
_NAME_WEIGHT: Final = 10
"""Values that an object's name counts as."""


class JsonImages(BaseModel):
    """Images in JSON."""

    model_config = ConfigDict(extra="forbid")

    # Validation stops at the first error: a list of all errors would have a thousand times the body's size.
    images: Annotated[list[str | list[Any]], FailFast()] = Field(
        description="Each image is an image file in Base64, or its pixels: nested lists of the model's input shape (the"
        " last axis is optional for one channel) or a flat list."
    )
    dtype: Dtype = Field(
        default="uint8",
        description="Data type of lists: whole numbers in 0 .. 255 (uint8) or numbers in 0 .. 1 (float32).",
    )


OPENAPI: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "image/png": {"schema": _BINARY},
            "image/jpeg": {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "array", "items": _BINARY, "minItems": 1}},
                }
            },
            "application/json": {
                "schema": JsonImages.model_json_schema(),
                "example": {"images": [_EXAMPLE], "dtype": "uint8"},
            },
            "application/octet-stream": {
                "schema": {**_BINARY, "description": "Pixels of any number of images, in row-major order."}
            },
        },
    }
}


@dataclass(frozen=True)
class InputSpec:
    """How a body is converted to model inputs.

    Attributes:
        shape: Input shape of the model, (height, width, channels).
        fit: How image files are brought to that shape.
        dtype: Data type of raw pixels.
        limits: Limits of a body.
    """

    shape: Shape
    fit: Fit
    dtype: Dtype
    limits: Limits


@dataclass(frozen=True)
class Body:
    """A request body that has not been decoded yet.

    Attributes:
        decode: Returns an array as `as_batch` does. Raises DataError if the body is invalid, HTTPException if it
            exceeds a limit.
        is_small: Whether decoding is faster than a switch to another thread.
    """

    decode: Callable[[], Pixels]
    is_small: bool = False


async def read_images(request: Request, spec: InputSpec) -> Body:
    """Read a complete body.

    Args:
        request: The request.
        spec: How to convert its body.

    Raises:
        HTTPException: If the Content-Type is missing or not supported (415), or a form is malformed (400, 413).
        DataError: If the form is invalid.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        files = await _read_form(request, spec.limits)
        return Body(lambda: _decode_files(files, spec))
    content = await request.body()
    if content_type.startswith("image/"):
        is_small = spec.fit == "stretch" and _is_small_png(content)
        return Body(lambda: _decode_files([content], spec), is_small)
    if content_type == "application/json":
        return Body(lambda: _decode_json(content, spec))
    if content_type == "application/octet-stream":
        return Body(lambda: _decode_raw(content, spec), len(content) <= _MAX_INLINE_BYTES)
    raise HTTPException(
        415,
        f"Content-Type is {abbreviate(content_type) if content_type else 'missing'}, expected that of an image"
        " (image/png, ...), multipart/form-data, application/json or application/octet-stream. Set it to the type of"
        " the body, for example -H 'Content-Type: image/png' with curl.",
    )


async def _read_form(request: Request, limits: Limits) -> list[bytes]:
    """Return the image files of a form, which may contain nothing else."""
    try:
        async with request.form(max_files=limits.images, max_fields=0) as form:
            items = form.multi_items()
            unknown = sorted({name for name, _ in items if name != FIELD})
            if unknown or not items:
                raise DataError(
                    f"The form has parts named {abbreviate(unknown)}, expected files in parts named {FIELD!r}. With"
                    f" curl: -F {FIELD}=@seven.png."
                )
            return [await part.read() for _, part in items if isinstance(part, UploadFile)]
    except UnicodeError:
        raise DataError(
            "The part names of the form cannot be decoded with the charset of its Content-Type. Leave out the charset."
        ) from None
    except HTTPException as error:
        # Starlette distinguishes these errors only by their text.
        if error.detail.startswith("Too many files"):
            raise _too_many_images(f"more than {limits.images}", limits) from None
        if error.detail.startswith("Too many fields"):
            raise DataError(
                f"The form has a part that is not a file, expected only files in parts named {FIELD!r}. With curl, the"
                f" @ sends a file: -F {FIELD}=@seven.png."
            ) from None
        raise


def _is_small_png(content: bytes) -> bool:
    """Return whether the header of a PNG file, in its first 24 bytes, describes a small image.

    If a file has two headers, Pillow uses the second.
    """
    if len(content) > _MAX_INLINE_BYTES or not content.startswith(_PNG_SIGNATURE + _IHDR_START):
        return False
    if content.count(b"IHDR") != 1:
        return False
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    return width * height <= _MAX_INLINE_PIXELS and not any(kind in content for kind in _COMPRESSED_CHUNKS)


def _decode_files(contents: Sequence[bytes], spec: InputSpec) -> Pixels:
    decoder, is_single = _FileDecoder(spec), len(contents) == 1
    images = [
        decoder.decode(content, "The image" if is_single else f"Image {index}")
        for index, content in enumerate(contents)
    ]
    return as_batch(images, spec.shape)


class _FileDecoder:
    """Decodes the image files of one request, up to a total number of pixels."""

    def __init__(self, spec: InputSpec) -> None:
        self._spec = spec
        self._max_pixels = self._remaining_pixels = _MAX_PIXELS_FACTOR * spec.limits.pixels

    def decode(self, content: bytes, name: str) -> Pixels:
        """Decode an image file; error messages call it `name`."""
        spec = self._spec
        try:
            with ignore_pillow_warnings():
                image = open_picture(content, spec.limits.pixels)
                self._remaining_pixels -= image.width * image.height
                if self._remaining_pixels < 0:
                    raise HTTPException(
                        413,
                        f"The images of the request have more than {self._max_pixels} pixels in all. Send smaller"
                        " images, or send them in several requests.",
                    )
                return picture_to_array(image, spec.shape, spec.fit)
        except UnusableError as error:
            raise DataError(f"{name} {error.reason}. {error.advice}") from None


def _decode_raw(content: bytes, spec: InputSpec) -> Pixels:
    """Decode little-endian raw pixels."""
    pixels = math.prod(spec.shape)
    image_bytes = pixels * np.dtype(spec.dtype).itemsize
    if not content or len(content) % image_bytes:
        raise DataError(
            f"The body has {len(content)} bytes, expected a multiple of {image_bytes}: {pixels} pixels of {spec.dtype}"
            f" for each image of shape {spec.shape}. Send images.tobytes()."
        )
    _check_count(len(content) // image_bytes, spec.limits)
    array = np.frombuffer(content, np.dtype(spec.dtype).newbyteorder("<"))
    return as_batch(array.reshape(-1, *spec.shape), spec.shape)


def _decode_json(content: bytes, spec: InputSpec) -> Pixels:
    # Base64 contains none of these characters, so this counts the values; each unknown name creates an error, too.
    values = sum(map(content.count, (b",", b"[", b"{"))) + _NAME_WEIGHT * content.count(b":")
    if values > _MAX_JSON_VALUES:
        raise HTTPException(
            413,
            f"The JSON has {values} numbers and lists, expected at most {_MAX_JSON_VALUES}. Send fewer images, or send"
            " the pixels as application/octet-stream.",
        )
    try:
        parsed = JsonImages.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        location = ".".join(str(part) for part in first["loc"][:2])
        raise DataError(
            f"The JSON is invalid{location and f' at {abbreviate(location)}'}: {first['msg']}. Expected"
            f' {{"{FIELD}": [...]}} with an image file in Base64 or lists of pixels for each image.'
        ) from None
    if not parsed.images:
        raise DataError(f"The list {FIELD!r} is empty, expected at least one image.")
    _check_count(len(parsed.images), spec.limits)
    return as_batch([*_decode_items(parsed, spec)], spec.shape)


def _decode_items(parsed: JsonImages, spec: InputSpec) -> Iterator[Pixels]:
    decoder = _FileDecoder(spec)
    for index, item in enumerate(parsed.images):
        if isinstance(item, str):
            yield decoder.decode(_decode_base64(item, index), f"Image {index}")
        else:
            yield _decode_lists(item, index, parsed.dtype)


def _decode_base64(text: str, index: int) -> bytes:
    prefix, separator, content = text.partition(";base64,")
    try:
        # A data URI, as in responses, is accepted as well.
        return base64.b64decode(content if separator and prefix.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise DataError(
            f"Image {index} is a string of {len(text)} characters that is not Base64, expected an image file in Base64."
            " The server opens no paths and no URLs: send the file itself."
        ) from None


def _decode_lists(item: list[Any], index: int, dtype: Dtype) -> Pixels:
    """Convert nested lists of numbers to an array."""
    try:
        array = np.array(item) if _contains_only_numbers(item) else np.empty(0, object)
    except (ValueError, OverflowError):
        array = np.empty(0, object)
    is_integer = array.dtype.kind in "iu"
    if not (is_integer or (dtype == "float32" and array.dtype.kind == "f")):
        numbers = "whole numbers in 0 .. 255" if dtype == "uint8" else "numbers in 0 .. 1"
        raise DataError(
            f"Image {index} is not made of lists of equal length with {numbers}, expected these for dtype {dtype!r}."
            ' Correct the lists, or send "dtype": "float32" for numbers in 0 .. 1.'
        )
    if dtype == "uint8" and array.size and not 0 <= array.min() <= array.max() <= 255:
        raise DataError(
            f"Image {index} has values from {array.min()} to {array.max()}, expected 0 .. 255 for dtype 'uint8'. Scale"
            " them to that range."
        )
    with np.errstate(over="ignore"):  # large values become infinite and are out of range
        return array.astype(dtype)


def _contains_only_numbers(item: list[Any]) -> bool:
    """Return whether nested lists contain only numbers: NumPy would pad all strings to the length of the longest."""
    while (types := set(map(type, item))) == {list}:
        item = [*chain.from_iterable(item)]
    return bool(types) and types <= {int, float}


def _check_count(images: int, limits: Limits) -> None:
    if images > limits.images:
        raise _too_many_images(f"{images}", limits)


def _too_many_images(images: str, limits: Limits) -> HTTPException:
    return HTTPException(
        413,
        f"The request contains {images} images, expected at most {limits.images}. Send them in several requests.",
    )
