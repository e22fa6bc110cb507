"""A program that reads HDF5 in a separate process: the library is large, and a malicious file may crash it.

It reads a file's bytes from standard input and writes the weights and Keras's description of the layers to standard
output as safetensors, each array under its path in the file. An error is one line on standard error with exit code 1.
No other file is opened: links to other files and data in other files are skipped, and so are compressed, chunked and
virtual data, which Keras never writes.
"""

import io
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

WEIGHTS: Final = ("layers", "_layer_checkpoint_dependencies", "model_weights")
"""Groups with weights: in a .keras file, in a .keras file of 2023, in a legacy .h5 file."""
CONFIG: Final = "model_config"
"""Name of the description of the layers: an attribute of the file, and an array of its UTF-8 bytes in the output."""
MAX_BYTES: Final = 1 << 29
"""Largest accepted size of all weights, in bytes."""

_MAX_OBJECTS: Final = 20_000
_MAX_DEPTH: Final = 12
_MAX_MEMORY: Final = 4 << 30
"""Bytes of address space for the file, the arrays with their copy, and the libraries."""


def main() -> None:
    """Convert one file from standard input to standard output."""
    _limit_memory()
    try:
        output = convert(sys.stdin.buffer.read())
    except Exception as error:  # noqa: BLE001 - h5py raises almost any type on a damaged file
        sys.stderr.write(" ".join(str(error).split())[:300] or type(error).__name__)
        raise SystemExit(1) from None
    sys.stdout.buffer.write(output)


def convert(content: bytes) -> bytes:
    """Convert an HDF5 file to safetensors.

    Args:
        content: The file's bytes.

    Returns:
        float32 arrays by their paths, and "model_config" as uint8 if the file has it.

    Raises:
        Exception: If it is not an intact HDF5 file; h5py raises almost any type.
    """
    import h5py  # noqa: PLC0415 - an optional dependency

    arrays: dict[str, NDArray[Any]] = {}
    with h5py.File(io.BytesIO(content), "r") as file:
        config = file.attrs.get(CONFIG)
        if isinstance(config, str | bytes):
            text = config.encode("utf-8", "surrogatepass") if isinstance(config, str) else config
            arrays[CONFIG] = np.frombuffer(text, np.uint8)
        remaining = MAX_BYTES
        for path, dataset in _datasets(h5py, file):
            remaining -= dataset.size * 4
            if remaining < 0:
                raise ValueError(f"it contains more than {MAX_BYTES} bytes of weights")
            arrays[path] = dataset[()].astype(np.float32, copy=False)
    return save(arrays)


def _datasets(h5py: Any, file: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - h5py has no types
    """Yield the weights with their paths, along hard links only, so that no other file is opened."""
    n_objects = 0
    groups = [(name, file, name) for name in WEIGHTS]
    while groups:
        path, group, name = groups.pop()
        link = group.get(name, getlink=True) if name in group else None
        if not isinstance(link, h5py.HardLink):
            continue
        n_objects += 1
        if n_objects > _MAX_OBJECTS or path.count("/") > _MAX_DEPTH:
            raise ValueError("it contains more groups than any model")
        member = group[name]
        if isinstance(member, h5py.Group):
            groups += [(f"{path}/{child}", member, child) for child in member]
        elif _is_plain(h5py, member):
            yield path, member


def _is_plain(h5py: Any, dataset: Any) -> bool:  # noqa: ANN401 - h5py has no types
    """Check whether an array is float32 and stored in this file without compression or chunks."""
    layout = dataset.id.get_create_plist().get_layout()
    is_stored = layout in {h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT}
    return bool(
        is_stored and not dataset.external and dataset.shape is not None and dataset.dtype == np.float32
    )


def _limit_memory() -> None:
    import resource  # noqa: PLC0415 - does not exist on every platform, and only this function needs it

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MAX_MEMORY if hard == resource.RLIM_INFINITY else min(_MAX_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main()
