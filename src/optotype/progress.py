"""The type of a progress callback, and one that does nothing."""

from collections.abc import Callable

ProgressCallback = Callable[[str, int, int], None]
"""Called with a description of the task, the units done so far and the units in total."""


def ignore_progress(_task: str, _done: int, _total: int) -> None:
    """Do nothing; the default callback."""
