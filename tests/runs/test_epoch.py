"""epochs.jsonl: it grows by complete lines, and an incomplete last line is ignored."""

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
    """Epochs are read as they were written, bit for bit, in order."""
    path = tmp_path / "epochs.jsonl"
    path.unlink(missing_ok=True)
    epochs = tuple(Epoch(number, *values, 7) for number, values in enumerate(numbers, start=1))
    for record in epochs:
        append_epoch(path, record)
    assert read_epochs(path) == epochs


def test_incomplete_last_line(tmp_path: Path) -> None:
    """Wherever a kill cuts the file, the epochs of complete lines are read."""
    path = tmp_path / "epochs.jsonl"
    for number in (1, 2, 3):
        append_epoch(path, epoch(number))
    content = path.read_bytes()
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        complete = content[:length].count(b"\n")
        assert read_epochs(path) == tuple(epoch(number) for number in range(1, complete + 1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}\n", "has no valid epoch in line 1"),
        (b"\n", "has no valid epoch in line 1"),
        (b"\xff\n", "has no valid epoch in line 1"),
        (b"[" * 100_000 + b"\n", "has no valid epoch in line 1"),
    ],
)
def test_damaged_line(tmp_path: Path, content: bytes, message: str) -> None:
    """A complete line that is not an epoch raises a RunError that names file and line."""
    path = tmp_path / "epochs.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        read_epochs(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_line(tmp_path: Path) -> None:
    """Epochs that are not numbered 1, 2, ... raise a RunError that names the line."""
    path = tmp_path / "epochs.jsonl"
    append_epoch(path, epoch(1))
    append_epoch(path, epoch(3))
    with pytest.raises(RunError, match="has epoch 3 in line 2"):
        read_epochs(path)


def test_not_a_number_is_not_written(tmp_path: Path) -> None:
    """A loss of NaN is not written, so that the file stays valid JSON."""
    path = tmp_path / "epochs.jsonl"
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_epoch(path, Epoch(1, math.nan, 0, None, None, 1, 1, 1))
    assert read_epochs(path) == ()


def test_cannot_be_written(tmp_path: Path) -> None:
    """A file that cannot be written raises a RunError."""
    with pytest.raises(RunError, match="Cannot write"):
        append_epoch(tmp_path / "none" / "epochs.jsonl", epoch(1))
