"""The progress bar of long loads."""

import io

import pytest
from rich.console import Console

from optotype.cli import loading
from optotype.cli.loading import progress_bar


def _console(*, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=100,
        color_system=None,
        highlight=False,
        markup=False,
    )


def _output(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show every report immediately."""
    monkeypatch.setattr(loading, "DELAY_SECONDS", 0)
    monkeypatch.setattr(loading, "REDRAW_SECONDS", 0)


@pytest.mark.parametrize("terminal", [False, True])
def test_short_load_prints_nothing(terminal: bool) -> None:
    """In the first two seconds not a single character is printed."""
    console = _console(terminal=terminal)
    with progress_bar(console) as report:
        for done in range(0, 101, 10):
            report("Downloading file", done, 100)
    assert _output(console) == ""


@pytest.mark.usefixtures("no_delay")
def test_long_load_prints_one_line_on_a_pipe() -> None:
    """On a pipe each activity is one line."""
    console = _console(terminal=False)
    with progress_bar(console) as report:
        for done in (25, 50, 100):
            report("Downloading [file]", done, 100)
        report("Decoding images", 1, 3)
    assert _output(console).splitlines() == ["Downloading [file], 25% done", "Decoding images, 33% done"]


@pytest.mark.usefixtures("no_delay")
def test_terminal_shows_a_bar() -> None:
    """On a terminal a bar shows the activity and the share, also if the load fails."""
    console = _console(terminal=True)
    with pytest.raises(ValueError, match="broken"):
        _fail(console)
    for text in ("Downloading [file]", "25 %", "50 %"):
        assert text in _output(console)


def _fail(console: Console) -> None:
    with progress_bar(console) as report:
        report("Downloading [file]", 25, 100)
        report("Downloading [file]", 50, 100)
        raise ValueError("broken")
