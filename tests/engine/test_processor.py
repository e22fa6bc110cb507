"""Which instruction set and how many threads are used."""

import os

import pytest

from optotype.engine.processor import available_isas, resolve_isa, resolve_precision, resolve_threads
from optotype.errors import EngineError


def test_the_fastest_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a wish the last of the available ones is taken, and the portable one is always there."""
    monkeypatch.delenv("OPTOTYPE_ISA", raising=False)
    assert resolve_isa() == available_isas()[-1]
    assert available_isas()[0] == "portable"


def test_the_environment_can_ask_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPTOTYPE_ISA forces one, and an argument goes before it."""
    monkeypatch.setenv("OPTOTYPE_ISA", "portable")
    assert resolve_isa() == "portable"
    assert resolve_isa(available_isas()[-1]) == available_isas()[-1]


def test_an_unknown_instruction_set_is_refused() -> None:
    """The message names the known ones and the nearest."""
    with pytest.raises(
        EngineError, match=r"'avx-512'. Did you mean 'avx512'\? Known: amx, avx2, avx512, portable"
    ):
        resolve_isa("avx-512")


def test_an_instruction_set_the_processor_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A known one that this processor has not is refused with those it has."""
    monkeypatch.setattr("optotype.engine._core.available_isas", lambda: ["portable"])
    with pytest.raises(EngineError, match="this processor has only portable"):
        resolve_isa("avx2")


@pytest.mark.parametrize("isa", available_isas())
def test_auto_is_bf16_on_amx_alone(isa: str) -> None:
    """Precision "auto" is bf16 where the instruction set is amx, and fp32 on every other."""
    assert resolve_precision("auto", isa) == (isa, "bf16" if isa == "amx" else "fp32")


@pytest.mark.parametrize("isa", available_isas())
def test_fp32_uses_no_tiles(isa: str) -> None:
    """In fp32 the instruction set in use is the chosen one, or AVX-512 where that is amx."""
    assert resolve_precision("fp32", isa) == ("avx512" if isa == "amx" else isa, "fp32")


def test_an_unknown_precision_is_refused() -> None:
    """The message names the known ones and the nearest."""
    with pytest.raises(EngineError, match=r"'bf15'\. Did you mean 'bf16'"):
        resolve_precision("bf15")  # type: ignore[arg-type]  # that is the point


def test_threads_default_to_the_cores_of_this_process() -> None:
    """Every core that this process may use, at least one."""
    assert resolve_threads() == len(os.sched_getaffinity(0))
    assert resolve_threads(3) == 3


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_impossible_threads_are_refused(threads: int) -> None:
    """A number of threads is at least 1 and not absurd."""
    with pytest.raises(EngineError, match="threads were asked for"):
        resolve_threads(threads)
