"""The file of epochs: it grows by whole lines, and a torn last one is no harm."""

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optotype.errors import RunError
from optotype.runs.epoch import Epoch, append_epoch, read_epochs
from tests.runs.samples import epoch

_NUMBERS = st.floats(0, 1e300)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(_NUMBERS, _NUMBERS, st.none() | _NUMBERS, st.none() | _NUMBERS, _NUMBERS, _NUMBERS),
        max_size=4,
    )
)
def test_round_trip(tmp_path: Path, numbers: list[tuple[float, float, None, None, float, float]]) -> None:
    """Epochs come back bit for bit, in order."""
    path = tmp_path / "epochs.jsonl"
    path.unlink(missing_ok=True)
    epochs = tuple(Epoch(place, *each, 7) for place, each in enumerate(numbers, start=1))
    for each in epochs:
        append_epoch(path, each)
    assert read_epochs(path) == epochs


def test_every_cut_leaves_whole_epochs(tmp_path: Path) -> None:
    """Wherever a kill cuts the file, what is read are the epochs whose lines are whole."""
    path = tmp_path / "epochs.jsonl"
    for number in (1, 2, 3):
        append_epoch(path, epoch(number))
    content = path.read_bytes()
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        whole = content[:length].count(b"\n")
        assert read_epochs(path) == tuple(epoch(number) for number in range(1, whole + 1))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{}\n", "has no epoch in line 1"),
        (b"\n", "has no epoch in line 1"),
        (b"\xff\n", "has no epoch in line 1"),
        (b"[" * 100_000 + b"\n", "has no epoch in line 1"),
    ],
)
def test_damaged_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A whole line that is no epoch is refused, naming file and line."""
    path = tmp_path / "epochs.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        read_epochs(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_line(tmp_path: Path) -> None:
    """Epochs that do not count up from 1 are refused, naming the line."""
    path = tmp_path / "epochs.jsonl"
    append_epoch(path, epoch(1))
    append_epoch(path, epoch(3))
    with pytest.raises(RunError, match="has epoch 3 in line 2"):
        read_epochs(path)


def test_not_a_number_is_not_written(tmp_path: Path) -> None:
    """A loss that is not a number never reaches the file, which stays plain JSON."""
    path = tmp_path / "epochs.jsonl"
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_epoch(path, Epoch(1, math.nan, 0, None, None, 1, 1, 1))
    assert read_epochs(path) == ()


def test_cannot_be_written(tmp_path: Path) -> None:
    """A file that cannot be written is a RunError that names it."""
    with pytest.raises(RunError, match="Cannot write"):
        append_epoch(tmp_path / "none" / "epochs.jsonl", epoch(1))
