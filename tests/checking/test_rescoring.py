"""Judged runs, with and without the test images that are in doubt."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from optotype.checking.check import check
from optotype.checking.findings import Finding, Picture
from optotype.checking.rescoring import doubted_runs, in_doubt
from optotype.data.dataset import Dataset, SealedTest
from optotype.data.splits import stratified_split
from optotype.engine.layers import Flatten
from optotype.metrics import proportion
from optotype.models.provenance import Environment
from optotype.recipes.recipe import Recipe
from optotype.runs.predictions import Predictions
from optotype.runs.run import Run
from tests.checking.samples import textured, textures


def _with_wrong_test_label() -> Dataset:
    """Make textures of which test image 4 is labelled wrong."""
    images, labels = textures(30, 2)
    labels[4] = (labels[4] + 1) % 3
    return textured(test=SealedTest(30, lambda: (images, labels)))


def _judged(folder: Path, data: Dataset, wrong: list[int]) -> Run:
    """Make a run that was judged, and was wrong about some test images."""
    run = Run.create(
        folder,
        Recipe(layers=(Flatten(),)),
        data,
        stratified_split(data.labels, 30, 0),
        Environment(precision="fp32"),
    )
    labels = textures(30, 2)[1]
    says = labels.copy()
    says[wrong] = (says[wrong] + 1) % 3
    logits = np.eye(3, dtype=np.float32)[says]
    run.write_predictions("test", Predictions(np.arange(30), labels, logits))
    return run


def test_judged_runs_are_scored_without_what_is_in_doubt(tmp_path: Path) -> None:
    """Of a test image that is labelled wrong the doctor says what it costs a judged run, and nothing of other runs."""
    data = _with_wrong_test_label()
    _judged(tmp_path / "one", data, wrong=[4, 9])
    _judged(tmp_path / "other", textured(), wrong=[4])
    (tmp_path / "torn" / "predictions").mkdir(parents=True)
    _judged(tmp_path / "unjudged", data, wrong=[]).path.joinpath("predictions", "test.safetensors").unlink()
    found = check(data, runs_root=tmp_path)
    doubted = in_doubt(found.findings)
    assert 4 in doubted
    (only,) = found.doubted
    kept = 30 - len(doubted)
    assert (only.run, only.n, only.accuracy) == ("one", 30, proportion(28, 30))
    assert (only.left, only.without) == (kept, proportion(kept - (9 not in doubted), kept))


def test_leaks_and_label_errors_of_test_images_are_in_doubt() -> None:
    """Copies within training, odd training labels and outliers put no test image in doubt."""
    image = np.zeros((4, 4, 1), np.uint8)
    test, train = (Picture(split, 7, "cat", None, image) for split in ("test", "train"))
    findings = [
        Finding("leak", "A copy.", 1.0, (test, train)),
        Finding("label_error", "A dog.", 1.0, (replace(test, index=8),)),
        Finding("label_error", "A dog.", 1.0, (replace(train, index=9),)),
        Finding("brightness", "Black.", 1.0, (replace(test, index=10),)),
    ]
    assert in_doubt(findings) == {7, 8}


def test_damaged_predictions_are_passed_over(tmp_path: Path) -> None:
    """Nothing is said of a run with damaged predictions or with no image left, nor of a folder that is none."""
    data = textured()
    run = _judged(tmp_path / "one", data, wrong=[1])
    assert doubted_runs(tmp_path, data.test.fingerprint, {1})[0].without == proportion(29, 29)
    assert doubted_runs(tmp_path, data.test.fingerprint, set(range(30))) == ()
    assert doubted_runs(tmp_path / "none", data.test.fingerprint, {1}) == ()
    (run.path / "predictions" / "test.safetensors").write_bytes(b"torn")
    assert doubted_runs(tmp_path, data.test.fingerprint, {1}) == ()
