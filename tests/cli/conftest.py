"""The command line in this process."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from optotype.cli import main


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Give a function that runs optotype with its arguments."""

    def call(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main.run(arguments)
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, captured.out, captured.err)

    return call
