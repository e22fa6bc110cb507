"""Reading of judgements: in every format, and errors for invalid values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optotype.errors import RunError
from optotype.judging.judgement import LabelSets, NoveltyCheck
from optotype.judging.judgement_formats import from_format_2, read_judgement
from optotype.metrics import Estimate
from tests.judging.test_judgement import full_judgement

GOLDEN = Path(__file__).parent / "golden" / "judgement-2.json"
"""A judgement of format 2: a small net on 900 training and 200 test images of three classes, with robustness."""


def test_a_judgement_is_read_as_it_was_written() -> None:
    """Writing to JSON text and reading it again changes nothing."""
    judgement = full_judgement()
    assert read_judgement(json.loads(json.dumps(judgement.to_json(), allow_nan=False))) == judgement


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda saved: saved.pop(name)


@pytest.mark.parametrize(
    "damage",
    [
        _without("format"),
        _without("splits"),
        lambda saved: saved.update(format=1),
        lambda saved: saved.update(on="train"),
        lambda saved: saved.update(notes=3),
        lambda saved: saved["splits"].update(test={"n": "many"}),
        lambda saved: saved.clear(),
        lambda saved: saved["splits"].update(test=None),
        lambda saved: saved["splits"]["test"]["accuracy"].update(value=float("nan")),
        lambda saved: saved["baselines"][0]["accuracy"].update(high=float("inf")),
    ],
)
def test_invalid_values_raise_an_error(damage: Callable[[dict[str, Any]], object]) -> None:
    """Another format, a missing field or a wrong value raises RunError."""
    saved: dict[str, Any] = full_judgement().to_json()
    damage(saved)
    with pytest.raises(RunError, match="Judge the run again"):
        read_judgement(saved)


def test_evidence_is_never_read_from_a_file() -> None:
    """An evidence field of a file is ignored."""
    assert read_judgement({**full_judgement().to_json(), "evidence": {"images": []}}).evidence is None


def test_format_2_is_read_with_its_numbers() -> None:
    """Every renamed field of a judgement of format 2 has its old value; all other fields are unchanged."""
    saved = json.loads(GOLDEN.read_bytes())
    judgement = read_judgement(saved)
    assert (judgement.target, judgement.on, judgement.opening) == ("golden", "test", 1)
    assert [score and score.n for score in judgement.splits.values()] == [720, 180, 200]
    assert judgement.score.accuracy.value == 0.725
    assert judgement.label_sets == LabelSets(
        target_coverage=0.99,
        coverage=Estimate(1.0, 0.9811546736227335, 1.0),
        singleton_rate=Estimate(0.02, 0.0078044264163494685, 0.050287086905826436),
        mean_size=2.885,
        max_size=3,
    )
    assert judgement.novelty == NoveltyCheck(
        target_rate=0.005555555555555556, rate=Estimate(0.0, 0.0, 0.018845326377266564)
    )
    assert [each.severe for each in judgement.diagnoses] == [True, False, False]
    assert [each.message for each in judgement.diagnoses] == [each["said"] for each in saved["diagnoses"]]
    assert [each.change for each in judgement.robustness] == [
        "shifted",
        "rotated",
        "Gaussian noise",
        "blurred",
        "lower contrast",
    ]
    written = json.loads(json.dumps(judgement.to_json()))
    for name in ("splits", "calibration", "baselines", "notes", "openings", "test_fingerprint", "opening"):
        assert written[name] == saved[name]
    for curve, old_curve in zip(written["robustness"], saved["robustness"], strict=True):
        assert (curve["levels"], curve["accuracy"]) == (old_curve["levels"], old_curve["accuracy"])


@pytest.mark.parametrize(
    "damage",
    [
        lambda saved: saved["label_sets"].pop("asked"),
        lambda saved: saved["label_sets"].update(largest="many"),
        lambda saved: saved["unfamiliar"].update(rejected=3),
        lambda saved: saved.update(unfamiliar=[]),
        lambda saved: saved.update(label_sets=3),
        lambda saved: saved.update(diagnoses=3),
        lambda saved: saved.update(robustness=["shifted"]),
        lambda saved: saved["diagnoses"].append("bad"),
        lambda saved: saved["diagnoses"][0].pop("said"),
    ],
)
def test_a_damaged_file_of_format_2_raises_an_error(damage: Callable[[dict[str, Any]], object]) -> None:
    """Values of format 2 are validated as strictly as those of the current format."""
    saved: dict[str, Any] = json.loads(GOLDEN.read_bytes())
    damage(saved)
    with pytest.raises(RunError, match="Judge the run again"):
        read_judgement(saved)


def test_the_old_values_are_not_modified() -> None:
    """Reading format 2 leaves the values that were passed unchanged."""
    saved = json.loads(GOLDEN.read_bytes())
    from_format_2(saved)
    assert saved == json.loads(GOLDEN.read_bytes())
