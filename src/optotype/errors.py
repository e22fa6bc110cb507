"""All exceptions that optotype raises on purpose, as one tree, so that callers can catch a general or a specific one.

    OptotypeError
    ├── DataError          a data set, array or label that cannot be used
    │   ├── IdxError       a malformed IDX file
    │   └── ImageError     an image that cannot be read
    ├── RecipeError        a recipe that is not valid
    ├── ModelError         a model or model file that cannot be used
    ├── ExportError        an export that cannot be made, or gives other results than its model
    ├── RunError           a run folder that is missing, unfinished or in the way
    ├── ServeError         a server that cannot be started
    ├── DivergedError      a training stopped because the loss was not finite
    └── EngineError        a network that cannot be built or run on this processor

A message has three parts: what happened with which value, what was expected, and what to do next.
"""

import difflib
from collections.abc import Iterable


class OptotypeError(Exception):
    """Base class of all exceptions that optotype raises on purpose."""


class DataError(OptotypeError):
    """A data set, array or label cannot be used."""


class IdxError(DataError):
    """An IDX file is malformed."""


class ImageError(DataError):
    """An image cannot be read."""


class RecipeError(OptotypeError):
    """A recipe is not valid."""


class ModelError(OptotypeError):
    """A model or model file cannot be used."""


class ExportError(OptotypeError):
    """An export cannot be made, or gives other results than its model."""


class RunError(OptotypeError):
    """A run folder is missing, unfinished or in the way."""


class ServeError(OptotypeError):
    """A server cannot be started."""


class DivergedError(OptotypeError):
    """Training stopped because the loss was not finite."""


class EngineError(OptotypeError):
    """A network cannot be built, or not run on this processor."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return a message on an unknown name, with the known names and the most similar one.

    Args:
        kind: Noun for the named thing, in the singular ("recipe").
        name: The unknown name.
        known: The known names.

    Returns:
        Sentences for an error message.
    """
    choices = sorted(known)
    similar = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f" Did you mean {similar[0]!r}?" if similar else ""
    return f"Unknown {kind} {name!r}.{hint} Known: {', '.join(choices)}."
