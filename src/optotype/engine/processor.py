"""What this processor offers: its instruction sets and cores, and which of them are used."""

import os

from optotype.engine import _core
from optotype.errors import EngineError, unknown_name

_KNOWN = ("portable", "avx2", "avx512", "amx")


def available_isas() -> tuple[str, ...]:
    """List the instruction sets that this processor has kernels for, the fastest last."""
    return tuple(_core.available_isas())


def chosen_isa(name: str | None = None) -> str:
    """Choose an instruction set.

    Args:
        name: One of `available_isas()`; by default the environment variable OPTOTYPE_ISA, else the fastest.

    Returns:
        Its name.

    Raises:
        EngineError: There is no such instruction set, or this processor does not have it.
    """
    available = available_isas()
    name = name or os.environ.get("OPTOTYPE_ISA") or available[-1]
    if name not in _KNOWN:
        raise EngineError(unknown_name("instruction set (OPTOTYPE_ISA)", name, _KNOWN))
    if name not in available:
        raise EngineError(
            f"Instruction set {name!r} was asked for, but this processor has only {', '.join(available)}."
            " Unset OPTOTYPE_ISA, or set it to one of these."
        )
    return name


def chosen_threads(threads: int | None = None) -> int:
    """Choose a number of threads.

    Args:
        threads: At least 1; by default the number of cores this process may run on.

    Returns:
        The number of threads.

    Raises:
        EngineError: The number is not in 1 .. 1024.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = 1024
    if not 1 <= threads <= most:
        raise EngineError(
            f"{threads} threads were asked for, expected 1 to {most}. Leave it out to use every core."
        )
    return threads
