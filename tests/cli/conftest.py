"""Run the command line in this process."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from optotype.cli import main


class Result(NamedTuple):
    """A command's exit code and outputs."""

    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs optotype with arguments."""

    def call(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as exit_info:
            main.run(arguments)
        captured = capsys.readouterr()
        assert isinstance(exit_info.value.code, int)
        return Result(exit_info.value.code, captured.out, captured.err)

    return call
