"""Comparing models: the same images for all, errors for what cannot be compared, and no opening on an error."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optotype.comparing.candidates import key_of
from optotype.comparing.compare import compare
from optotype.data.load import load
from optotype.engine.augmentation import Augment
from optotype.errors import DataError, ModelError, RunError
from optotype.metrics import proportion
from optotype.models.provenance import Provenance
from optotype.recipes.recipe import EarlyStopping
from optotype.runs.run import Run
from optotype.training.train import train
from tests.training.samples import pictures, recipe, write_folder, write_pictures

LOG = "test-openings.jsonl"


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train three inaccurate models on 400 images; tests do not modify the runs."""
    top = tmp_path_factory.mktemp("comparing")
    data = load(write_folder(top / "digits", 400, 120))
    for seed in range(3):
        train(data, recipe(epochs=1, validation=150, seed=seed), out=top / "runs" / f"s{seed}")
    return top


@pytest.fixture
def runs(top: Path) -> list[Run]:
    """Open the three runs."""
    return [Run.open(top / "runs" / f"s{seed}") for seed in range(3)]


@pytest.fixture
def log(top: Path) -> Path:
    """Return the path of the log of openings, without the file."""
    (top / "runs" / LOG).unlink(missing_ok=True)
    return top / "runs" / LOG


def test_a_run_with_additional_images_is_compared(runs: list[Run], tmp_path: Path) -> None:
    """The source's validation images are used; with additional images, the same recipe counts as another one."""
    added = write_pictures(tmp_path / "added", *pictures(20, 8))
    with_added = load(runs[0].source, add=added)
    more = train(with_added, runs[0].recipe, out=tmp_path / "more")
    shutil.rmtree(added)
    for targets in ((more, runs[0], runs[1]), (runs[0], more, runs[1])):
        comparison = compare(*targets)
        assert comparison.n == 150
        assert comparison == compare(*targets, data=with_added)
        keys = dict(zip((run.name for run in targets), "ABC", strict=True))
        note = ", ".join(f"{keys[run.name]} {20 if run is more else 0}" for run in targets)
        assert f"additional images: {note}." in " ".join(comparison.notes)
        assert [each.added for each in comparison.candidates] == [20 if run is more else 0 for run in targets]
        # The model with additional images does not repeat a recipe and seed; its recipe is the second of the pair.
        assert not [note for note in comparison.notes if "the same recipe" in note]
        (pair,) = comparison.recipes
        assert sorted(map(len, (pair.keys_a, pair.keys_b))) == [1, 2]


def test_models_are_compared_on_the_same_validation_images(runs: list[Run], log: Path) -> None:
    """Accuracies, counts and disagreements equal those computed from the models' logits; nothing is opened."""
    comparison = compare(*runs)
    data = load(runs[0].source)
    rows = runs[0].split.validation
    logits = [run.model.logits(data.images[rows]) for run in runs]
    right = [each.argmax(axis=1) == data.labels[rows] for each in logits]
    assert [each.accuracy for each in comparison.candidates] == [
        proportion(int(each.sum()), 150) for each in right
    ]
    assert [(each.key, each.name, each.seed) for each in comparison.candidates] == [
        ("A", "s0", 0),
        ("B", "s1", 1),
        ("C", "s2", 2),
    ]
    assert [(each.a, each.b) for each in comparison.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert comparison.pairs[0].only_a == int((right[0] & ~right[1]).sum())
    assert comparison.pairs[0].both_wrong == int((~right[0] & ~right[1]).sum())
    predicted = np.stack([each.argmax(axis=1) for each in logits])
    is_disagreement = (predicted != predicted[0]).any(axis=0)
    assert [each.index for each in comparison.disagreements] == rows[is_disagreement].tolist()
    column = int(np.flatnonzero(is_disagreement)[0])
    first = comparison.disagreements[0]
    assert first.predicted == tuple(str(each) for each in predicted[:, column])
    assert first.label == str(data.labels[rows[column]])
    calibrated = runs[1].model.probabilities(logits[1])
    assert first.probability[1] == pytest.approx(calibrated[column].max(), abs=1e-6)
    assert (comparison.opening, comparison.on, comparison.n) == (None, "validation", 150)
    assert not log.exists()


def test_runs_with_augment_auto_have_one_recipe(runs: list[Run], tmp_path: Path) -> None:
    """Runs with augment = auto belong to one recipe even if different augmentations were chosen."""
    augments = [None, Augment(rotation=5)]
    for run, augment in zip(runs[:2], augments, strict=True):
        twin = tmp_path / run.name
        shutil.copytree(run.path, twin)
        resolved = run.model.recipe.model_copy(update={"augment": augment})
        replace(run.model, recipe=resolved).save(twin / "model.safetensors")
        Run.open(twin).save_augment_choice({"chosen": str(augment)})
    (pair,) = compare(tmp_path / "s0", tmp_path / "s1", runs[2]).recipes
    assert (pair.keys_a, pair.keys_b) == (("A", "B"), ("C",))


def test_confident_disagreements_come_first(runs: list[Run]) -> None:
    """Only images that the two models classify differently are listed, sorted by the lower probability."""
    comparison = compare(*runs)
    for pair in comparison.pairs:
        listed = comparison.disagreements_between(pair)
        assert all(each.predicted[a] != each.predicted[b] for each, a, b in listed)
        lower = [min(each.probability[a], each.probability[b]) for each, a, b in listed]
        assert lower == sorted(lower, reverse=True)
    indices = {(a, b) for pair in comparison.pairs for _, a, b in comparison.disagreements_between(pair)}
    assert indices <= {(0, 1), (0, 2), (1, 2)}


def test_a_comparison_on_test_is_one_opening(runs: list[Run], log: Path) -> None:
    """The test set is opened once for all models; the log has their names, the comparison the count."""
    comparison = compare(*runs, on="test")
    assert (comparison.opening, comparison.n, comparison.test_fingerprint) == (
        1,
        120,
        runs[0].data.test_fingerprint,
    )
    assert compare(runs[0].path, str(runs[1].model_path), on="test").opening == 2
    assert [json.loads(line)["by"] for line in log.read_text().splitlines()] == [
        "compare s0 s1 s2",
        "compare s0 s1",
    ]
    images, labels = pictures(120, 2)
    right = runs[0].model.logits(images).argmax(axis=1) == labels
    assert comparison.candidates[0].accuracy == proportion(int(right.sum()), 120)


def test_every_form_of_target_gives_the_same_numbers(runs: list[Run], tmp_path: Path) -> None:
    """Runs, folders, model files of runs, files elsewhere and models in memory give the same numbers."""
    expected = [each.accuracy for each in compare(runs[0], runs[1]).candidates]
    copy = shutil.copy(runs[1].model_path, tmp_path / "copy.safetensors")
    for first, second in (
        (runs[0].path, str(runs[1].path)),
        (runs[0].model_path, runs[1].model),
        (runs[0].model, copy),
    ):
        assert [each.accuracy for each in compare(first, second).candidates] == expected
    assert [each.name for each in compare(runs[0].model_path, copy).candidates] == ["s0", "copy"]


def test_duplicate_names_become_unique(runs: list[Run], tmp_path: Path) -> None:
    """Models of the same name get their paths as names; models in memory get their keys appended."""
    copy = shutil.copytree(runs[1].path, tmp_path / "s0")
    assert [each.name for each in compare(runs[0].path, copy).candidates] == [str(runs[0].path), str(copy)]
    twin = replace(runs[1].model, provenance=runs[0].model.provenance)
    assert [each.name for each in compare(runs[0].model, twin).candidates] == ["s0 A", "s0 B"]


def test_keys_continue_after_z() -> None:
    """Keys are numbered like the columns of a spreadsheet."""
    assert [key_of(index) for index in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AB",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_a_repeated_model_raises_an_error(runs: list[Run]) -> None:
    """Fewer than two targets, or the same model twice in any form, raise an error."""
    with pytest.raises(RunError, match="1 target"):
        compare(runs[0])
    with pytest.raises(RunError, match="No target"):
        compare()
    for again in (runs[0].path, runs[0].model_path, runs[0].path / ".." / "s0"):
        with pytest.raises(RunError, match=r"A and C are both .*s0"):
            compare(runs[0], runs[1], again)
    with pytest.raises(RunError, match="A and B are both"):
        compare(runs[0].model, runs[0].model)


def test_other_data_raise_an_error_before_an_opening(runs: list[Run], log: Path, tmp_path: Path) -> None:
    """With other training images, test images or another split, the error names both models and both values."""
    for n_train, n_test, validation, message in (
        (
            390,
            120,
            150,
            r"A \(s0\) and B \(other\) were trained on different data: digits \(400 images, sha256:",
        ),
        (
            400,
            110,
            150,
            r"A \(s0\) and B \(other\) have different test images: 120 \(sha256:.* and 110 \(sha256",
        ),
        (
            400,
            120,
            100,
            r"different splits: validation = 150, split_seed = 0 and validation = 100, split_seed = 0",
        ),
    ):
        folder = tmp_path / f"{n_train}-{n_test}-{validation}"
        data = load(write_folder(folder / "digits", n_train, n_test))
        other = train(data, recipe(epochs=1, validation=validation), out=folder / "other")
        with pytest.raises(RunError, match=message):
            compare(runs[0], other, on="test")
    assert not log.exists()


def test_other_classes_raise_an_error(runs: list[Run]) -> None:
    """A model with other class names is not compared, even with the same data fingerprint."""
    model = runs[1].model
    other = replace(model, class_names=("zero", *model.class_names[1:]))
    with pytest.raises(RunError, match=r"different classes: 10 \(0, 1, .* and 10 \(zero, 1"):
        compare(runs[0], other)


def test_a_copy_of_the_data_is_the_same_data(runs: list[Run], tmp_path: Path) -> None:
    """A run on a copy of the data is compared, because fingerprints depend on content only."""
    data = load(write_folder(tmp_path / "copy", 400, 120))
    other = train(data, recipe(epochs=1, validation=150, seed=5), out=tmp_path / "other")
    assert compare(runs[0], other).candidates[1].seed == 5


def test_runs_without_validation_images_raise_an_error(top: Path, tmp_path: Path) -> None:
    """The error names the data set and --on test; on the test images the runs can be compared."""
    data = load(top / "digits")
    both = [
        train(data, recipe(epochs=1, validation=0, seed=each), out=tmp_path / f"r{each}") for each in (0, 1)
    ]
    with pytest.raises(DataError, match=r"digits.*--on test"):
        compare(*both)
    assert compare(*both, on="test").n == 120


def test_unfinished_runs_and_unknown_models_raise_an_error(runs: list[Run]) -> None:
    """A model of an interrupted training or of unknown origin is not compared."""
    model = runs[1].model
    interrupted = model.provenance.updated(status="interrupted")
    for provenance, error in ((interrupted, RunError), (Provenance(), ModelError)):
        with pytest.raises(error):
            compare(runs[0], replace(model, provenance=provenance))


def test_an_unknown_split_raises_an_error(runs: list[Run]) -> None:
    """Only "validation" and "test" are accepted."""
    with pytest.raises(DataError, match="Did you mean 'test'"):
        compare(*runs, on="tests")  # type: ignore[arg-type] # the invalid value


def test_notes_name_early_stopping_and_corrections(top: Path, runs: list[Run], tmp_path: Path) -> None:
    """Notes name models with early stopping, the correction for several pairs, and the seeds a recipe verdict needs."""
    stopping = recipe(epochs=2, validation=150, early_stopping=EarlyStopping(), seed=7)
    stopped = train(load(top / "digits"), stopping, out=tmp_path / "stopped")
    notes = compare(runs[0], stopped).notes
    assert any(note.startswith("Early stopping") and "training of B," in note for note in notes)
    assert not any(
        note.startswith("Early stopping")
        for note in compare(runs[0], stopped, on="test", runs_root=tmp_path).notes
    )
    assert any("at least 5 seeds" in note for note in notes)
    assert any("corrected for 3 pairs" in note for note in compare(*runs).notes)


def test_few_images_are_noted(tmp_path: Path) -> None:
    """Below 100 images a note says that only a large difference can be detected."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    both = [train(data, recipe(epochs=1, seed=each), out=tmp_path / f"r{each}") for each in (0, 1)]
    assert compare(*both).notes[0].startswith("n = 50")


def test_arrays_must_be_passed_again(tmp_path: Path) -> None:
    """Runs on arrays are compared with the same arrays; without them there is an error."""
    data = load(pictures(300, 1))
    both = [train(data, recipe(epochs=1, seed=each), out=tmp_path / f"r{each}") for each in (0, 1)]
    with pytest.raises(DataError, match="memory"):
        compare(*both)
    assert compare(*both, data=data).n == 50


def test_a_comparison_is_json(runs: list[Run]) -> None:
    """A comparison is written as plain JSON with the format number and without images."""
    comparison = compare(*runs)
    written = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert written["format"] == 2
    assert "images" not in written
    assert [each["verdict"] for each in (*written["pairs"], *written["recipes"])] == list(comparison.verdicts)
    assert str(comparison) == "\n".join(comparison.verdicts)
    assert len(written["disagreements"]) == len(comparison.disagreements)


def test_steps_are_reported(runs: list[Run]) -> None:
    """Reading, loading and the predictions of each model are reported."""
    steps: list[str] = []
    compare(runs[0], runs[1], report=steps.append)
    assert steps == [
        "reading the models",
        "loading the data",
        "predicting with A (s0)",
        "predicting with B (s1)",
    ]
