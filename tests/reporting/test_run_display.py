"""A run in a notebook."""

from pathlib import Path

from pydantic import JsonValue

from tests.runs.samples import epoch, small_run


def test_a_run_shows_what_it_is_and_how_it_went(tmp_path: Path) -> None:
    """Recipe, data, status, the curve, and the test accuracy once it is judged are shown."""
    run = small_run(tmp_path / "run")
    assert "<svg" not in run._repr_html_()
    run.append_epoch(epoch(1))
    run.close("finished", "no <b> better")
    for words in ("<svg", "no &lt;b&gt; better", "not judged yet", "1 of "):
        assert words in run._repr_html_()
    accuracy: dict[str, JsonValue] = {"value": 0.5, "low": 0.25, "high": 0.75}
    run.write_judgement({"splits": {"test": {"accuracy": accuracy}}})
    assert "0.5000 [0.2500, 0.7500]" in run._repr_html_()
    run.write_judgement({"splits": {"test": {"accuracy": "<script>"}}})
    assert "see judgement.json" in run._repr_html_()


def test_a_damaged_run_says_so(tmp_path: Path) -> None:
    """What cannot be read is told in the notebook, not raised there."""
    run = small_run(tmp_path / "<i>run")
    (run.path / "recipe.json").write_text("{")
    shown = run._repr_html_()
    assert "recipe.json" in shown
    assert "<i>" not in shown
