"""Train, judge and use classifiers of small images, with the uncertainty of every result.

    import optotype as ot
    run = ot.train(ot.load("mnist"), ot.load_recipe("mnist-quick"))
    print(ot.judge(run))

This is the public interface: the names in ``__all__`` do not change between minor versions. A name is imported when it
is first used, so that importing the package is fast.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from optotype.checking.check import check
    from optotype.checking.findings import Finding, Findings
    from optotype.comparing.compare import compare
    from optotype.comparing.comparison import Comparison
    from optotype.data.dataset import Dataset
    from optotype.data.load import load
    from optotype.data.pictures.digits import fit_digit
    from optotype.data.sealed import open_test
    from optotype.engine.augmentation import Augment
    from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
    from optotype.engine.optimizers import SGD, Adam, RMSprop
    from optotype.engine.schedules import Constant, OneCycle
    from optotype.errors import (
        DataError,
        DivergedError,
        EngineError,
        ExportError,
        IdxError,
        ImageError,
        ModelError,
        OptotypeError,
        RecipeError,
        RunError,
    )
    from optotype.estimator import ImageClassifier
    from optotype.explaining.neighbours import Neighbours
    from optotype.explaining.occlusion import Occlusion, occlusion
    from optotype.exporting.export import export
    from optotype.exporting.keras.from_keras import from_keras
    from optotype.judging.judge import judge
    from optotype.judging.judgement import Judgement
    from optotype.models.model import Model
    from optotype.models.prediction import Prediction
    from optotype.models.transfer import TransferRecipe
    from optotype.recipes.builtin import load_recipe
    from optotype.recipes.recipe import EarlyStopping, Head, Recipe
    from optotype.runs.listing import list_runs
    from optotype.runs.run import Run
    from optotype.training.train import train

__all__ = [
    "SGD",
    "Adam",
    "Augment",
    "BatchNormalization",
    "Comparison",
    "Constant",
    "Conv2D",
    "DataError",
    "Dataset",
    "Dense",
    "DivergedError",
    "Dropout",
    "EarlyStopping",
    "EngineError",
    "ExportError",
    "Finding",
    "Findings",
    "Flatten",
    "Head",
    "IdxError",
    "ImageClassifier",
    "ImageError",
    "Judgement",
    "MaxPooling2D",
    "Model",
    "ModelError",
    "Neighbours",
    "Occlusion",
    "OneCycle",
    "OptotypeError",
    "Prediction",
    "RMSprop",
    "Recipe",
    "RecipeError",
    "Run",
    "RunError",
    "TransferRecipe",
    "check",
    "compare",
    "export",
    "fit_digit",
    "from_keras",
    "judge",
    "list_runs",
    "load",
    "load_recipe",
    "occlusion",
    "open_test",
    "train",
]

_NAMES_BY_MODULE = {
    "checking.check": ["check"],
    "checking.findings": ["Finding", "Findings"],
    "data.dataset": ["Dataset"],
    "data.pictures.digits": ["fit_digit"],
    "data.sealed": ["open_test"],
    "data.load": ["load"],
    "engine.augmentation": ["Augment"],
    "engine.layers": ["BatchNormalization", "Conv2D", "Dense", "Dropout", "Flatten", "MaxPooling2D"],
    "engine.optimizers": ["SGD", "Adam", "RMSprop"],
    "engine.schedules": ["Constant", "OneCycle"],
    "errors": [name for name in __all__ if name.endswith("Error")],
    "estimator": ["ImageClassifier"],
    "explaining.occlusion": ["Occlusion", "occlusion"],
    "explaining.neighbours": ["Neighbours"],
    "exporting.export": ["export"],
    "exporting.keras.from_keras": ["from_keras"],
    "comparing.compare": ["compare"],
    "comparing.comparison": ["Comparison"],
    "judging.judge": ["judge"],
    "judging.judgement": ["Judgement"],
    "models.model": ["Model"],
    "models.prediction": ["Prediction"],
    "models.transfer": ["TransferRecipe"],
    "recipes.builtin": ["load_recipe"],
    "recipes.recipe": ["EarlyStopping", "Head", "Recipe"],
    "runs.listing": ["list_runs"],
    "runs.run": ["Run"],
    "training.train": ["train"],
}
_MODULES = {name: f"optotype.{home}" for home, names in _NAMES_BY_MODULE.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'optotype' has no attribute {name!r}")
    value: object = getattr(_import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
