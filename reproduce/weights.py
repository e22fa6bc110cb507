"""`python -m reproduce.weights`: hashes of what every built-in recipe trains, to prove that a change keeps the bits.

Each recipe trains with every instruction set and precision of this processor. results/weights.json keeps one hash of
the weights for each; the command compares with those that are there, adds the missing ones, and exits with 1 where
one differs.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import optotype as ot
from optotype.engine.processor import available_isas
from optotype.recipes.builtin import BUILTIN
from reproduce.results import FOLDER, write_text

FILE: Final = FOLDER / "weights.json"
IMAGES: Final = 3000
EPOCHS: Final = 2


def main() -> int:
    """Hash every combination and compare with the file."""
    if len(sys.argv) > 1:
        print(json.dumps(train_all(sys.argv[1])))
        return 0
    hashes: dict[str, str] = {}
    for isa, precision in combinations():
        environment = {**os.environ, "OPTOTYPE_ISA": isa}
        command = [sys.executable, "-m", "reproduce.weights", precision]
        completed = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        hashes |= {
            f"{name} {precision} {isa}": digest for name, digest in json.loads(completed.stdout).items()
        }
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    differing = [key for key in hashes if known.get(key, hashes[key]) != hashes[key]]
    print(f"{len(hashes)} hashes, {len(hashes.keys() & known.keys())} compared, {len(differing)} differ")
    for key in differing:
        print(f"differs: {key}")
    if not differing:
        write_text(json.dumps(known | hashes, indent=1, sort_keys=True) + "\n", FILE)
    return int(bool(differing))


def combinations() -> list[tuple[str, str]]:
    """Return every (instruction set, precision) of this processor; bf16 needs AMX."""
    isas = available_isas()
    return [(isa, "fp32") for isa in isas] + [(isa, "bf16") for isa in isas if isa == "amx"]


def train_all(precision: str) -> dict[str, str]:
    """Train every recipe for two epochs on 3,000 images of MNIST, and hash the weights."""
    images, labels = ot.load("mnist").images[:IMAGES], ot.load("mnist").labels[:IMAGES]
    data = ot.load({"x_train": np.array(images), "y_train": np.array(labels)})
    hashes = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in BUILTIN:
            recipe = ot.load_recipe(name).override(
                {"precision": precision, "epochs": EPOCHS, "augment": "none", "validation": 200}
            )
            run = ot.train(data, recipe, out=Path(folder) / name)
            hashes[name] = _hash(run.model.weights)
    return hashes


def _hash(weights: Mapping[str, NDArray[np.float32]]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
