"""Judged runs, scored with and without suspect test images."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from optotype.checking.check import check
from optotype.checking.findings import Finding, Picture
from optotype.checking.rescoring import rescore_runs, suspect_test_images
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
    """Create textures whose test image 4 has a wrong label."""
    images, labels = textures(30, 2)
    labels[4] = (labels[4] + 1) % 3
    return textured(test=SealedTest(30, lambda: (images, labels)))


def _judged(folder: Path, data: Dataset, wrong: list[int]) -> Run:
    """Create a judged run with wrong predictions for some test images."""
    run = Run.create(
        folder,
        Recipe(layers=(Flatten(),)),
        data,
        stratified_split(data.labels, 30, 0),
        Environment(precision="fp32"),
    )
    labels = textures(30, 2)[1]
    predicted = labels.copy()
    predicted[wrong] = (predicted[wrong] + 1) % 3
    logits = np.eye(3, dtype=np.float32)[predicted]
    run.write_predictions("test", Predictions(np.arange(30), labels, logits))
    return run


def test_judged_runs_are_scored_without_suspect_images(tmp_path: Path) -> None:
    """Runs judged on this test set are rescored without its wrong label; other and damaged runs are not."""
    data = _with_wrong_test_label()
    _judged(tmp_path / "one", data, wrong=[4, 9])
    _judged(tmp_path / "other", textured(), wrong=[4])
    (tmp_path / "torn" / "predictions").mkdir(parents=True)
    _judged(tmp_path / "unjudged", data, wrong=[]).path.joinpath("predictions", "test.safetensors").unlink()
    findings = check(data, runs_root=tmp_path)
    suspects = suspect_test_images(findings.findings)
    assert 4 in suspects
    (rescored,) = findings.rescored_runs
    remaining = 30 - len(suspects)
    assert (rescored.run, rescored.n, rescored.accuracy) == ("one", 30, proportion(28, 30))
    assert rescored.remaining == remaining
    assert rescored.accuracy_without == proportion(remaining - (9 not in suspects), remaining)


def test_leaked_and_mislabelled_test_images_are_suspect() -> None:
    """Duplicates and label errors of training images, and outliers, make no test image suspect."""
    image = np.zeros((4, 4, 1), np.uint8)
    test, train = (Picture(split, 7, "cat", None, image) for split in ("test", "train"))
    findings = [
        Finding("leak", "A copy.", 1.0, (test, train)),
        Finding("label_error", "A dog.", 1.0, (replace(test, index=8),)),
        Finding("label_error", "A dog.", 1.0, (replace(train, index=9),)),
        Finding("brightness", "Black.", 1.0, (replace(test, index=10),)),
    ]
    assert suspect_test_images(findings) == {7, 8}


def test_damaged_predictions_are_skipped(tmp_path: Path) -> None:
    """Runs with damaged predictions or without remaining images are skipped; so is a missing folder."""
    data = textured()
    run = _judged(tmp_path / "one", data, wrong=[1])
    assert rescore_runs(tmp_path, data.test.fingerprint, {1})[0].accuracy_without == proportion(29, 29)
    assert rescore_runs(tmp_path, data.test.fingerprint, set(range(30))) == ()
    assert rescore_runs(tmp_path / "none", data.test.fingerprint, {1}) == ()
    (run.path / "predictions" / "test.safetensors").write_bytes(b"torn")
    assert rescore_runs(tmp_path, data.test.fingerprint, {1}) == ()
