"""Keras's model files, .keras and legacy .h5, read without Keras: a description in JSON, and arrays. No code is run."""

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

_MOST_CONFIG: Final = 10_000_000
_MOST_WEIGHTS: Final = 1 << 30
_SECONDS: Final = 120
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_ZIP: Final = b"PK\x03\x04"
_MEMBERS: Final = ("config.json", "model.weights.h5")
_ZIP_FAULTS: Final = (
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
    """What a file holds; nothing of it has been believed yet.

    Attributes:
        config: The model's description, as JSON values.
        arrays: float32 arrays by their paths in the file.
    """

    config: Any
    arrays: Mapping[str, NDArray[np.float32]]


def read(path: Path) -> KerasFile:
    """Read a file that anybody may have made.

    Args:
        path: A .keras or .h5 file.

    Raises:
        ModelError: It is missing, damaged, too large or no such file, or h5py is not installed; the message names it.
    """
    if find_spec("h5py") is None:
        raise ModelError(
            f"{path} is read with h5py, which is not installed, expected it to be. Install it: pip install"
            " 'optotype[keras]'."
        )
    try:
        if path.stat().st_size > _MOST_WEIGHTS:
            raise _fault(path, f"has {path.stat().st_size:,} bytes, expected at most {_MOST_WEIGHTS:,}")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            f"Cannot read the Keras model {path}: {reason}. Check the path and its permissions."
        ) from None
    if content.startswith(_ZIP):
        text, weights = _unzip(path, content)
        return KerasFile(_parse(path, text), _hdf5(path, weights))
    if content.startswith(_HDF5):
        arrays = _hdf5(path, content)
        text = arrays.pop(CONFIG, np.zeros(0)).tobytes()
        if not text:
            raise _fault(path, "holds weights without the layers")
        return KerasFile(_parse(path, text), arrays)
    raise _fault(path, "is neither")


def _fault(path: Path, what: str) -> ModelError:
    return ModelError(
        f"The file {path} {what}, expected a model as Keras saves it in .keras or .h5."
        " Save it again: model.save('name.keras')."
    )


def _unzip(path: Path, content: bytes) -> tuple[bytes, bytes]:
    """Give the description and the weights of a .keras file; no member may unpack to more than is believable."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config, weights = (
                _member(archive, name, most)
                for name, most in zip(_MEMBERS, (_MOST_CONFIG, _MOST_WEIGHTS), strict=True)
            )
    except (*_ZIP_FAULTS, OSError) as error:
        raise _fault(path, f"is a damaged zip file ({str(error) or type(error).__name__})") from None
    return config, weights


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} unpacks to more than {most:,} bytes")
    return content


def _parse(path: Path, text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _fault(path, "describes its layers in what is not JSON") from None


def _hdf5(path: Path, content: bytes) -> dict[str, NDArray[np.float32]]:
    """Let a process of its own read HDF5, and believe it no more than the file."""
    words = [sys.executable, "-m", "optotype.exporting.keras.hdf5_worker"]
    try:
        done = subprocess.run(words, input=content, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        if done.returncode:
            said = done.stderr.decode(errors="replace") if done.returncode == 1 else "the reader crashed"
            raise _fault(path, f"holds damaged HDF5 ({said.strip()})")
        return load(done.stdout)
    except subprocess.TimeoutExpired:
        raise _fault(path, f"holds HDF5 that was not read in {_SECONDS} s") from None
    except SafetensorError as error:
        raise _fault(path, f"holds damaged HDF5 ({error})") from None
