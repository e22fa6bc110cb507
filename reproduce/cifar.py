"""The lesson's dense net on CIFAR-10's images as picture files: the recipe, and what RESULTS.md says of it."""

from pathlib import Path
from typing import Final

import optotype as ot
from reproduce.accuracy import accuracies, spread, verdict
from reproduce.results import FOLDER, read, shared

RECIPE: Final = ot.load_recipe("mlp-32-16").override({"name": "mlp-32-16-cifar10-jpeg"})
_MEANING: Final = """The lesson of `mlp-32-16` goes on to CIFAR-10 with the same net, and reaches about 0.44. Here both
sides train on a copy of these images as JPEG files (`python -m reproduce --cifar FOLDER`). **Compressed anew, they are
other images: these accuracies do not compare with published ones of CIFAR-10.**"""


def cifar_section(folder: Path = FOLDER) -> str:
    """Set both sides' test accuracy on the copy beside each other."""
    keras = read(RECIPE.name, "keras", folder)
    ours = shared(read(RECIPE.name, "optotype-fp32", folder), keras)
    if keras is None or ours is None:
        return f"{_MEANING}\n\nNot measured yet."
    before, after = accuracies(keras, "test"), accuracies(ours, "test")
    difference, interval, holds = verdict(after, before)
    row = [spread(before), str(len(before)), spread(after), str(len(after)), difference, interval, holds]
    table = [
        "| Keras today (range) | n | optotype (range) | n | difference, pp | 95 % interval | holds |",
        f"|{'---|' * len(row)}",
        f"| {' | '.join(row)} |",
    ]
    return "\n".join([_MEANING, "", *table])
