"""Runs and judgements in a notebook."""

from pathlib import Path

from pydantic import JsonValue

from tests.judging.samples import complete, judged
from tests.page import Page
from tests.runs.samples import epoch, small_run

HOSTILE = "<script>alert('&\"{}')</script><img src=x onerror=alert(1)>"


def test_a_judgement_shows_its_verdict_and_splits() -> None:
    """The verdict and the splits are shown, with every name escaped."""
    judgement, _ = judged(name=HOSTILE)
    page = Page(complete(judgement, HOSTILE)._repr_html_())
    assert page.unclosed == []
    assert not page.of("script", "img")
    assert "validation" in page.text
    assert "opening 1 of this test set" in page.text


def test_a_run_shows_its_settings_and_results(tmp_path: Path) -> None:
    """Recipe, data, status and the curve are shown, and the test accuracy once the run is judged."""
    run = small_run(tmp_path / "run")
    assert "<svg" not in run._repr_html_()
    run.append_epoch(epoch(1))
    run.close("finished", "no <b> better")
    for text in ("<svg", "no &lt;b&gt; better", "not judged yet", "1 of "):
        assert text in run._repr_html_()
    accuracy: dict[str, JsonValue] = {"value": 0.5, "low": 0.25, "high": 0.75}
    run.write_judgement({"splits": {"test": {"accuracy": accuracy}}})
    assert "0.5000 [0.2500, 0.7500]" in run._repr_html_()
    run.write_judgement({"splits": {"test": {"accuracy": "<script>"}}})
    assert "see judgement.json" in run._repr_html_()


def test_a_damaged_run_shows_the_error(tmp_path: Path) -> None:
    """An unreadable file of the run is named in the notebook; no exception is raised."""
    run = small_run(tmp_path / "<i>run")
    (run.path / "recipe.json").write_text("{")
    html = run._repr_html_()
    assert "recipe.json" in html
    assert "<i>" not in html
