"""A program that loads randomly changed copies of a model file.

`python -m tests.models.mutants FILE COUNT` fails if loading a copy neither returns a model that predicts nor raises
ModelError. It prints the number of models, and by how many megabytes the memory grew.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from optotype.errors import ModelError
from optotype.models.model import Model

_EXTRA_MEMORY = 1 << 30  # bytes of address space beyond those in use at the start
_HOSTILE: tuple[object, ...] = (
    *(
        0,
        1,
        -1,
        2,
        3,
        7,
        4096,
        128,
        10**6,
        2**31,
        2**63,
        10**30,
        0.5,
        1e308,
        -1e-9,
        float("nan"),
        float("inf"),
    ),
    *(
        None,
        True,
        "",
        "x",
        "\x1b[2J",
        "F32",
        "U8",
        "Dense",
        [],
        [[]],
        [1] * 9,
        {},
        {"type": "Dense", "units": 9},
    ),
)


def mutant(content: bytes, number: int) -> bytes:
    """Return a changed copy: another value in a header, or up to four changed bytes, half of them near the start."""
    rng = np.random.default_rng(number)
    return _with_changed_value(content, rng) if number % 2 else _with_changed_bytes(content, rng)


def _with_changed_value(content: bytes, rng: np.random.Generator) -> bytes:
    end = 8 + int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8:end])
    metadata = json.loads(tensors["__metadata__"]["optotype"])
    _replace_one(metadata if rng.random() < 0.7 else tensors, rng)
    if "__metadata__" in tensors and isinstance(tensors["__metadata__"], dict):
        tensors["__metadata__"]["optotype"] = json.dumps(metadata)
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header + content[end:]


def _replace_one(tree: Any, rng: np.random.Generator) -> None:
    locations = list(_locations(tree))
    container, key = locations[rng.integers(len(locations))]
    container[key] = _HOSTILE[rng.integers(len(_HOSTILE))]


def _locations(tree: Any) -> Any:
    """Yield every value inside JSON, as its container and its key."""
    for key in tree if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _locations(tree[key])


def _with_changed_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        index = int(rng.integers(len(changed) if rng.random() < 0.5 else min(200, len(changed))))
        match rng.choice(["change", "cut", "insert", "remove"], p=[0.6, 0.1, 0.15, 0.15]):
            case "change":
                changed[index] = rng.integers(256)
            case "cut":
                del changed[max(index, 1) :]
            case "insert":
                changed[index:index] = rng.bytes(int(rng.integers(1, 9)))
            case "remove" if len(changed) > 1:
                del changed[index]
    return bytes(changed)


def _is_model(path: Path) -> bool:
    try:
        model = Model.load(path)
    except ModelError as error:
        if str(path) not in str(error):
            raise
        return False
    assert len(model.predict(np.zeros((1, *model.input_shape), np.uint8))) == 1
    return True


def _main(path: Path, count: int) -> None:
    content = path.read_bytes()
    changed = path.with_name("mutant")
    assert _is_model(path)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + _EXTRA_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before, models = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    for number in range(count):
        changed.write_bytes(mutant(content, number))
        try:
            models += _is_model(changed)
        except BaseException as error:
            error.add_note(f"This was mutant {number}.")
            raise
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    sys.stdout.write(f"{models} {grown}\n")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
