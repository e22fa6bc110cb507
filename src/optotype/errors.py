"""Every error that optotype raises on purpose, as one tree, so that a caller can catch at the depth it needs.

    OptotypeError
    ├── DataError          a data set, array or label that cannot be used
    │   ├── IdxError       a malformed IDX file
    │   └── ImageError     a picture that cannot be read
    ├── RecipeError        a recipe that cannot be understood
    ├── ModelError         a model file that cannot be used
    ├── ExportError        an export that cannot be made, or says other than its model
    ├── RunError           a run folder that is missing, unfinished or in the way
    ├── ServeError         a server that cannot be started
    ├── DivergedError      training stopped because the loss was no longer a number
    └── EngineError        a network that cannot be built or run on this processor

A message answers three questions: what happened with which value, what was expected, what to do next.
"""

import difflib
from collections.abc import Iterable


class OptotypeError(Exception):
    """The base of all errors that optotype raises on purpose."""


class DataError(OptotypeError):
    """A data set, array or label cannot be used."""


class IdxError(DataError):
    """An IDX file is malformed."""


class ImageError(DataError):
    """A picture cannot be read."""


class RecipeError(OptotypeError):
    """A recipe cannot be understood."""


class ModelError(OptotypeError):
    """A model file cannot be used."""


class ExportError(OptotypeError):
    """An export cannot be made, or says other than its model."""


class RunError(OptotypeError):
    """A run folder is missing, unfinished or in the way."""


class ServeError(OptotypeError):
    """A server cannot be started."""


class DivergedError(OptotypeError):
    """Training stopped because the loss was no longer a number."""


class EngineError(OptotypeError):
    """A network cannot be built, or not on this processor."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, which ones are known, and which one is nearest.

    Args:
        kind: What is named, in the singular ("recipe").
        name: What was given.
        known: What would have been accepted.

    Returns:
        A sentence for an error message.
    """
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"Unknown {kind} {name!r}.{hint} Known: {', '.join(choices)}."
