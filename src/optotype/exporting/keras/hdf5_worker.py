"""The program that reads HDF5 in a process of its own: the library is large, and a hostile file may crash it.

It takes a file's bytes on its standard input, and gives the weights and Keras's description of the layers on its
standard output, as safetensors, where each array has the path that it has in the file. What is wrong goes to the
standard error, in one line, with exit code 1. Nothing outside of the file is opened: links to other files and data kept
in others are left out, and so is what Keras never writes: compressed, chunked or virtual data.
"""

import io
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

WEIGHTS: Final = ("layers", "_layer_checkpoint_dependencies", "model_weights")
"""The groups that hold weights: in a .keras file, in one of 2023, in a legacy .h5 file."""
CONFIG: Final = "model_config"
"""Where the description of the layers is: an attribute of the file, and an array of its UTF-8."""
MOST_BYTES: Final = 1 << 29
"""Bytes of weights that are read."""

_MOST_OBJECTS: Final = 20_000
_DEEPEST: Final = 12
_MOST_MEMORY: Final = 4 << 30
"""Bytes of address space: the file, the arrays and their copy, and the libraries."""


def main() -> None:
    """Read one file from the standard input."""
    _bound_memory()
    try:
        found = convert(sys.stdin.buffer.read())
    except Exception as error:  # noqa: BLE001 - h5py raises of almost any kind, and whatever it is, the file is at fault
        sys.stderr.write(" ".join(str(error).split())[:300] or type(error).__name__)
        raise SystemExit(1) from None
    sys.stdout.buffer.write(found)


def convert(content: bytes) -> bytes:
    """Give what is in a file as safetensors.

    Args:
        content: The whole file.

    Returns:
        float32 arrays by their paths, and "model_config" as uint8 where the file has it.

    Raises:
        Exception: It is no HDF5 file, or it is damaged; h5py raises of almost any kind.
    """
    import h5py  # noqa: PLC0415 - an extra

    arrays: dict[str, NDArray[Any]] = {}
    with h5py.File(io.BytesIO(content), "r") as file:
        config = file.attrs.get(CONFIG)
        if isinstance(config, str | bytes):
            text = config.encode("utf-8", "surrogatepass") if isinstance(config, str) else config
            arrays[CONFIG] = np.frombuffer(text, np.uint8)
        left = MOST_BYTES
        for path, dataset in _datasets(h5py, file):
            left -= dataset.size * 4
            if left < 0:
                raise ValueError(f"it holds more than {MOST_BYTES} bytes of weights")
            arrays[path] = dataset[()].astype(np.float32, copy=False)
    return save(arrays)


def _datasets(h5py: Any, file: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - h5py has no types
    """Walk over the weights, along hard links only, so that no other file is opened."""
    seen = 0
    groups = [(name, file, name) for name in WEIGHTS]
    while groups:
        path, group, name = groups.pop()
        link = group.get(name, getlink=True) if name in group else None
        if not isinstance(link, h5py.HardLink):
            continue
        seen += 1
        if seen > _MOST_OBJECTS or path.count("/") > _DEEPEST:
            raise ValueError("it holds more groups than any model")
        found = group[name]
        if isinstance(found, h5py.Group):
            groups += [(f"{path}/{each}", found, each) for each in found]
        elif _is_plain(h5py, found):
            yield path, found


def _is_plain(h5py: Any, dataset: Any) -> bool:  # noqa: ANN401 - h5py has no types
    """Tell whether an array is float32, and lies in the file as it is."""
    layout = dataset.id.get_create_plist().get_layout()
    kept = layout in {h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT}
    return bool(kept and not dataset.external and dataset.shape is not None and dataset.dtype == np.float32)


def _bound_memory() -> None:
    import resource  # noqa: PLC0415 - not on every platform, and nothing else needs it

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    main()
