"""The choice of instruction set, precision and number of threads."""

import os

import pytest

from optotype.engine.processor import available_isas, resolve_isa, resolve_precision, resolve_threads
from optotype.errors import EngineError


def test_fastest_instruction_set_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the last available instruction set is used, and "portable" is always available."""
    monkeypatch.delenv("OPTOTYPE_ISA", raising=False)
    assert resolve_isa() == available_isas()[-1]
    assert available_isas()[0] == "portable"


def test_environment_overrides_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPTOTYPE_ISA selects an instruction set, and an argument has precedence over it."""
    monkeypatch.setenv("OPTOTYPE_ISA", "portable")
    assert resolve_isa() == "portable"
    assert resolve_isa(available_isas()[-1]) == available_isas()[-1]


def test_unknown_instruction_set_is_rejected() -> None:
    """The message lists the known names and the most similar one."""
    with pytest.raises(
        EngineError, match=r"'avx-512'. Did you mean 'avx512'\? Known: amx, avx2, avx512, portable"
    ):
        resolve_isa("avx-512")


def test_unavailable_instruction_set_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instruction set that this processor lacks is rejected; the message lists the available ones."""
    monkeypatch.setattr("optotype.engine._core.available_isas", lambda: ["portable"])
    with pytest.raises(EngineError, match=r"'avx2'.*portable"):
        resolve_isa("avx2")


@pytest.mark.parametrize("isa", available_isas())
def test_auto_precision_is_bf16_on_amx_only(isa: str) -> None:
    """Precision "auto" is bf16 if the instruction set is amx, and fp32 otherwise."""
    assert resolve_precision("auto", isa) == (isa, "bf16" if isa == "amx" else "fp32")


@pytest.mark.parametrize("isa", available_isas())
def test_fp32_does_not_use_amx(isa: str) -> None:
    """In fp32 the instruction set in use is the given one, or avx512 in place of amx."""
    assert resolve_precision("fp32", isa) == ("avx512" if isa == "amx" else isa, "fp32")


def test_unknown_precision_is_rejected() -> None:
    """The message lists the known names and the most similar one."""
    with pytest.raises(EngineError, match=r"'bf15'\. Did you mean 'bf16'"):
        resolve_precision("bf15")  # type: ignore[arg-type]  # an invalid value on purpose


def test_default_number_of_threads_is_the_number_of_cores() -> None:
    """The default is the number of cores that this process may use; an argument overrides it."""
    assert resolve_threads() == len(os.sched_getaffinity(0))
    assert resolve_threads(3) == 3


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_invalid_number_of_threads_is_rejected(threads: int) -> None:
    """The number of threads must be in 1 .. 1024."""
    with pytest.raises(EngineError, match=str(threads)):
        resolve_threads(threads)
