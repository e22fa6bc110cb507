"""Read Keras model files (.keras and legacy .h5) without Keras, as JSON and arrays; no code in them is run."""

import io
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from optotype.errors import ModelError
from optotype.exporting.keras.hdf5_worker import CONFIG

_MAX_CONFIG: Final = 10_000_000
_MAX_WEIGHTS: Final = 1 << 30
_TIMEOUT_SECONDS: Final = 120
_HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_MEMBERS: Final = ("config.json", "model.weights.h5")
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
)


@dataclass(frozen=True, eq=False)
class KerasFile:
    """The content of a file, not validated yet.

    Attributes:
        config: The model's description, as JSON values.
        arrays: float32 arrays by their paths in the file.
    """

    config: Any
    arrays: Mapping[str, NDArray[np.float32]]


def read(path: Path) -> KerasFile:
    """Read a file from any source; it may be damaged or malicious.

    Args:
        path: A .keras or .h5 file.

    Raises:
        ModelError: If the file is missing, damaged, too large or not a Keras model, or h5py is not installed.
    """
    if find_spec("h5py") is None:
        raise ModelError(
            f"Cannot read {path}: the package h5py is not installed. Install it: pip install 'optotype[keras]'."
        )
    try:
        if path.stat().st_size > _MAX_WEIGHTS:
            raise _error(path, f"it has {path.stat().st_size:,} bytes, the limit is {_MAX_WEIGHTS:,}")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            f"Cannot read the Keras model {path}: {reason}. Check the path and its permissions."
        ) from None
    if content.startswith(_ZIP_MAGIC):
        text, weights = _unzip(path, content)
        return KerasFile(_parse(path, text), _hdf5(path, weights))
    if content.startswith(_HDF5_MAGIC):
        arrays = _hdf5(path, content)
        text = arrays.pop(CONFIG, np.zeros(0)).tobytes()
        if not text:
            raise _error(path, "it contains weights but no description of the layers")
        return KerasFile(_parse(path, text), arrays)
    raise _error(path, "it is neither a zip file nor HDF5")


def _error(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"Cannot read the Keras model {path}: {reason}. Expected a .keras or .h5 file that Keras saved."
        " Save the model again: model.save('name.keras')."
    )


def _unzip(path: Path, content: bytes) -> tuple[bytes, bytes]:
    """Return the description and the weights in a .keras file, each decompressed to a limited size."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config, weights = (
                _read_member(archive, name, limit)
                for name, limit in zip(_MEMBERS, (_MAX_CONFIG, _MAX_WEIGHTS), strict=True)
            )
    except (*_ZIP_ERRORS, OSError) as error:
        raise _error(path, f"it is a damaged zip file ({str(error) or type(error).__name__})") from None
    return config, weights


def _read_member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with archive.open(name) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{name} decompresses to more than {limit:,} bytes")
    return content


def _parse(path: Path, text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _error(path, "its description of the layers is not valid JSON") from None


def _hdf5(path: Path, content: bytes) -> dict[str, NDArray[np.float32]]:
    """Read HDF5 in a separate process; its output is trusted no more than the file."""
    command = [sys.executable, "-m", "optotype.exporting.keras.hdf5_worker"]
    try:
        result = subprocess.run(  # noqa: S603 - a list, no shell
            command, input=content, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
        if result.returncode:
            is_message = result.returncode == 1
            reason = result.stderr.decode(errors="replace") if is_message else "the reader crashed"
            raise _error(path, f"its HDF5 is damaged ({reason.strip()})")
        return load(result.stdout)
    except subprocess.TimeoutExpired:
        raise _error(path, f"reading its HDF5 took longer than {_TIMEOUT_SECONDS} s") from None
    except SafetensorError as error:
        raise _error(path, f"its HDF5 is damaged ({error})") from None
