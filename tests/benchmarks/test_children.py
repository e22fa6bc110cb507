import time
from pathlib import Path

import pytest

from benchmarks.children import SideFailedError, run_alone, started, take_turns
from tests.benchmarks.samples import fake

STOPPED = "T"


def state(process: int) -> str:
    """Return the state of a process, as reported by the operating system."""
    return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]


def test_sides_take_turns_in_every_round() -> None:
    """Each side runs every counted turn and returns its answer; the first turn is not counted."""
    rounds = []
    turns = take_turns([fake("a"), fake("b")], {"task": "train"}, 3, lambda: rounds.append(1))
    assert {name: len(seconds) for name, seconds in turns.seconds.items()} == {"a": 3, "b": 3}
    assert len(rounds) == 3
    assert turns.answers["b"]["name"] == "b"


def test_side_is_suspended_between_turns() -> None:
    """After its turn a process is stopped by the system, not only waiting."""
    with started(fake("a"), {"task": "train", "turns": 2}) as child:
        child.turn()
        deadline = time.monotonic() + 10
        while state(child.number) != STOPPED and time.monotonic() < deadline:
            time.sleep(0.01)
        assert state(child.number) == STOPPED
        child.turn()
        assert child.finish()["name"] == "a"


def test_side_receives_its_settings_and_environment() -> None:
    """The job of a side contains the side's settings, and its environment the side's variables."""
    _, answer = run_alone(fake("a"), {"task": "train", "turns": 0})
    assert answer["mood"] == "fine"
    assert set(answer["versions"]) == {"python", "fake"}


def test_failed_side_raises_with_its_last_output() -> None:
    """If a side's process ends early, the error names the side and ends with its last output."""
    with pytest.raises(SideFailedError, match=r"(?s)b ended with no answer.*out of luck"):
        take_turns([fake("a"), fake("b", fails=1)], {"task": "train"}, 3)
