"""The instruction sets and cores of this processor, and the choice of instruction set, precision and threads."""

import os
from typing import Final, Literal, get_args

from optotype.engine import _core
from optotype.errors import EngineError, unknown_name

Precision = Literal["fp32", "bf16"]

MAX_THREADS: Final = 1024
_KNOWN_ISAS: Final = ("portable", "avx2", "avx512", "amx")


def available_isas() -> tuple[str, ...]:
    """Return the instruction sets that this processor can run, the fastest last."""
    return tuple(_core.available_isas())


def resolve_isa(name: str | None = None) -> str:
    """Resolve the instruction set to use.

    Args:
        name: One of `available_isas()`; by default the environment variable OPTOTYPE_ISA, else the fastest.

    Returns:
        The name of the instruction set.

    Raises:
        EngineError: If there is no such instruction set, or this processor does not have it.
    """
    available = available_isas()
    name = name or os.environ.get("OPTOTYPE_ISA") or available[-1]
    if name not in _KNOWN_ISAS:
        raise EngineError(unknown_name("instruction set (OPTOTYPE_ISA)", name, _KNOWN_ISAS))
    if name not in available:
        raise EngineError(
            f"Instruction set {name!r} is not available, expected one that this processor has: {', '.join(available)}."
            " Unset OPTOTYPE_ISA, or set it to one of these."
        )
    return name


def resolve_precision(
    precision: Precision | Literal["auto"] = "auto", isa: str | None = None
) -> tuple[str, Precision]:
    """Resolve the instruction set and the precision of a network.

    Args:
        precision: "fp32", "bf16", or "auto" (bf16 if the instruction set is "amx", otherwise fp32).
        isa: As for `resolve_isa`.

    Returns:
        The instruction set (in fp32 never "amx") and the precision.

    Raises:
        EngineError: If the processor does not support the precision.
    """
    known = ("auto", *get_args(Precision))
    if precision not in known:
        raise EngineError(unknown_name("precision", precision, known))
    resolved = resolve_isa(isa)
    if precision == "auto":
        precision = "bf16" if resolved == "amx" else "fp32"
    if precision == "bf16" and resolved != "amx":
        raise EngineError(
            f"Precision bf16 is not available on the instruction set {resolved!r}, expected 'amx'. Use fp32, or a"
            " processor with AMX, without setting OPTOTYPE_ISA to another instruction set."
        )
    # Only products of bfloat16 use AMX; all other kernels of "amx" are those of AVX-512.
    return "avx512" if resolved == "amx" and precision == "fp32" else resolved, precision


def resolve_threads(threads: int | None = None) -> int:
    """Resolve the number of threads to use.

    Args:
        threads: At least 1; by default the number of cores this process may run on.

    Returns:
        The number of threads.

    Raises:
        EngineError: If the number is not in 1 .. 1024.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= threads <= MAX_THREADS:
        raise EngineError(
            f"{threads} threads are not supported, expected 1 to {MAX_THREADS}. Leave it out to use all cores."
        )
    return threads
