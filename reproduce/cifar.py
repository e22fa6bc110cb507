"""The lesson's dense net on CIFAR-10 as image files: the recipe, and its section in RESULTS.md."""

from pathlib import Path
from typing import Final

import optotype as ot
from reproduce.accuracy import accuracies, spread, verdict
from reproduce.results import FOLDER, read, with_common_seeds

RECIPE: Final = ot.load_recipe("mlp-32-16").override({"name": "mlp-32-16-cifar10-jpeg"})
_MEANING: Final = """The lesson of `mlp-32-16` continues with the same network on CIFAR-10 and reaches about 0.44. Here
both libraries train on a copy of these images as JPEG files (`python -m reproduce --cifar FOLDER`). **JPEG compression
changes the images: these accuracies are not comparable with published ones of CIFAR-10.**"""


def cifar_section(folder: Path = FOLDER) -> str:
    """Render the test accuracy of both libraries on the JPEG copy."""
    keras = read(RECIPE.name, "keras", folder)
    optotype = with_common_seeds(read(RECIPE.name, "optotype-fp32", folder), keras)
    if keras is None or optotype is None:
        return f"{_MEANING}\n\nNot measured yet."
    before, after = accuracies(keras, "test"), accuracies(optotype, "test")
    difference, interval, holds = verdict(after, before)
    row = [spread(before), str(len(before)), spread(after), str(len(after)), difference, interval, holds]
    table = [
        "| Keras today (range) | n | optotype (range) | n | difference, pp | 95 % interval | holds |",
        f"|{'---|' * len(row)}",
        f"| {' | '.join(row)} |",
    ]
    return "\n".join([_MEANING, "", *table])
