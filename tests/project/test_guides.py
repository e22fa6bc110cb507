"""The examples in the guides are run as they stand."""

import re
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[2]
GUIDES: Final = ("estimator.md", "transfer.md")


@pytest.mark.parametrize("guide", GUIDES)
def test_guide_examples_run(
    guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A guide's Python, one block after the other, runs to its end, and what it prints is as good as it says."""
    monkeypatch.chdir(tmp_path)
    text = (TOP / "docs" / guide).read_text(encoding="utf-8")
    code = "".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    exec(compile(code, guide, "exec"), {})  # noqa: S102 - our own text
    accuracy = re.search(r"0\.\d+", capsys.readouterr().out)
    assert accuracy is not None
    assert float(accuracy[0]) > {"estimator.md": 0.94, "transfer.md": 0.8}[guide]
