"""What is shown while a loading takes long."""

import io

import pytest
from rich.console import Console

from optotype.cli import loading as module
from optotype.cli.loading import loading


def _console(*, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=100,
        color_system=None,
        highlight=False,
        markup=False,
    )


def _shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show everything at once."""
    monkeypatch.setattr(module, "PATIENCE", 0)
    monkeypatch.setattr(module, "_REDRAW", 0)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_quick_loading_shows_nothing(terminal: bool) -> None:
    """Below two seconds not a character is printed."""
    console = _console(terminal=terminal)
    with loading(console) as report:
        for done in range(0, 101, 10):
            report("Downloading file", done, 100)
    assert _shown(console) == ""


@pytest.mark.usefixtures("impatient")
def test_a_long_loading_is_a_line_on_a_pipe() -> None:
    """What takes long is told once, and what comes next is told too."""
    console = _console(terminal=False)
    with loading(console) as report:
        for done in (25, 50, 100):
            report("Downloading [file]", done, 100)
        report("Decoding pictures", 1, 3)
    assert _shown(console).splitlines() == ["Downloading [file], 25% done", "Decoding pictures, 33% done"]


@pytest.mark.usefixtures("impatient")
def test_a_terminal_gets_a_bar() -> None:
    """On a terminal a bar names what is done and moves, also when the loading fails."""
    console = _console(terminal=True)
    with pytest.raises(ValueError, match="broken"):
        _fail(console)
    for shown in ("Downloading [file]", "25 %", "50 %"):
        assert shown in _shown(console)


def _fail(console: Console) -> None:
    with loading(console) as report:
        report("Downloading [file]", 25, 100)
        report("Downloading [file]", 50, 100)
        raise ValueError("broken")
