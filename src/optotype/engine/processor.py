"""What this processor offers: its instruction sets and cores, and which of them are used, in which precision."""

import os
from typing import Literal, get_args

from optotype.engine import _core
from optotype.errors import EngineError, unknown_name

Precision = Literal["fp32", "bf16"]

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


def chosen_arithmetic(
    precision: Precision | Literal["auto"] = "auto", isa: str | None = None
) -> tuple[str, Precision]:
    """Choose the instruction set and the precision of a network.

    Args:
        precision: "fp32", "bf16", or "auto": bf16 where the chosen instruction set is "amx", else fp32.
        isa: As for `chosen_isa`.

    Returns:
        The instruction set in use, in fp32 never "amx", and the precision.

    Raises:
        EngineError: The processor cannot do what is asked.
    """
    known = ("auto", *get_args(Precision))
    if precision not in known:
        raise EngineError(unknown_name("precision", precision, known))
    chosen = chosen_isa(isa)
    if precision == "auto":
        precision = "bf16" if chosen == "amx" else "fp32"
    if precision == "bf16" and chosen != "amx":
        raise EngineError(
            f"Precision bf16 was asked for on the instruction set {chosen!r}, expected 'amx'. Use fp32, or a processor"
            " with AMX and no other OPTOTYPE_ISA."
        )
    # Only products of bfloat16 use the tiles of AMX; everything else there is AVX-512.
    return "avx512" if chosen == "amx" and precision == "fp32" else chosen, precision


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
