"""Comparing models: on the same images, and only what can be compared; a refusal never opens the test set."""

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
    """Train three models on 400 pictures, none of them well; tests leave the runs as they are."""
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
    """Give the log of openings, emptied."""
    (top / "runs" / LOG).unlink(missing_ok=True)
    return top / "runs" / LOG


def test_a_run_with_added_pictures_is_compared(runs: list[Run], tmp_path: Path) -> None:
    """On the source's validation images, with or without what was added there; and its recipe is another training."""
    added = write_pictures(tmp_path / "added", *pictures(20, 8))
    given = load(runs[0].source, add=added)
    more = train(given, runs[0].recipe, out=tmp_path / "more")
    shutil.rmtree(added)
    for targets in ((more, runs[0], runs[1]), (runs[0], more, runs[1])):
        found = compare(*targets)
        assert found.n == 150
        assert found == compare(*targets, data=given)
        keys = dict(zip((run.name for run in targets), "ABC", strict=True))
        note = ", ".join(f"{keys[run.name]} {20 if run is more else 0}" for run in targets)
        assert f"added to those of the data set: {note}. A verdict is about these too." in " ".join(
            found.notes
        )
        assert [each.added for each in found.contestants] == [20 if run is more else 0 for run in targets]
        # The same recipe and seed are no twins here, and two seeds without stand beside one with.
        assert not [note for note in found.notes if "of the same recipe" in note]
        (pair,) = found.recipes
        assert sorted(map(len, (pair.keys_a, pair.keys_b))) == [1, 2]


def test_models_are_compared_on_the_same_validation_images(runs: list[Run], log: Path) -> None:
    """Accuracies, counts and disagreements are those of the models on the validation images; nothing is opened."""
    found = compare(*runs)
    data = load(runs[0].source)
    rows = runs[0].split.validation
    logits = [run.model.logits(data.images[rows]) for run in runs]
    right = [each.argmax(axis=1) == data.labels[rows] for each in logits]
    assert [each.accuracy for each in found.contestants] == [
        proportion(int(each.sum()), 150) for each in right
    ]
    assert [(each.key, each.name, each.seed) for each in found.contestants] == [
        ("A", "s0", 0),
        ("B", "s1", 1),
        ("C", "s2", 2),
    ]
    assert [(each.a, each.b) for each in found.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert found.pairs[0].only_a == int((right[0] & ~right[1]).sum())
    assert found.pairs[0].both_wrong == int((~right[0] & ~right[1]).sum())
    predicted = np.stack([each.argmax(axis=1) for each in logits])
    differ = (predicted != predicted[0]).any(axis=0)
    assert [each.index for each in found.disagreements] == rows[differ].tolist()
    place = int(np.flatnonzero(differ)[0])
    first = found.disagreements[0]
    assert first.predicted == tuple(str(each) for each in predicted[:, place])
    assert first.label == str(data.labels[rows[place]])
    calibrated = runs[1].model.probabilities(logits[1])
    assert first.probability[1] == pytest.approx(calibrated[place].max(), abs=1e-6)
    assert (found.opening, found.on, found.n) == (None, "validation", 150)
    assert not log.exists()


def test_what_auto_chose_makes_no_other_recipe(runs: list[Run], tmp_path: Path) -> None:
    """Runs whose recipe left the augmentation open are of one recipe, though it came out differently."""
    chosen = [None, Augment(rotation=5)]
    for run, augment in zip(runs[:2], chosen, strict=True):
        twin = tmp_path / run.name
        shutil.copytree(run.path, twin)
        settled = run.model.recipe.model_copy(update={"augment": augment})
        replace(run.model, recipe=settled).save(twin / "model.safetensors")
        Run.open(twin).save_augment_choice({"chosen": str(augment)})
    (pair,) = compare(tmp_path / "s0", tmp_path / "s1", runs[2]).recipes
    assert (pair.keys_a, pair.keys_b) == (("A", "B"), ("C",))


def test_the_surest_disagreements_come_first(runs: list[Run]) -> None:
    """Of a pair only images that the two take for different things are listed, by what the less sure one gives."""
    found = compare(*runs)
    for pair in found.pairs:
        listed = found.differing(pair)
        assert all(each.predicted[a] != each.predicted[b] for each, a, b in listed)
        sure = [min(each.probability[a], each.probability[b]) for each, a, b in listed]
        assert sure == sorted(sure, reverse=True)
    places = {(a, b) for pair in found.pairs for _, a, b in found.differing(pair)}
    assert places <= {(0, 1), (0, 2), (1, 2)}


def test_a_comparison_on_test_is_one_opening(runs: list[Run], log: Path) -> None:
    """The test set is opened once for all models, under their names, and the count is told."""
    found = compare(*runs, on="test")
    assert (found.opening, found.n, found.test_fingerprint) == (1, 120, runs[0].data.test_fingerprint)
    assert compare(runs[0].path, str(runs[1].model_path), on="test").opening == 2
    assert [json.loads(line)["by"] for line in log.read_text().splitlines()] == [
        "compare s0 s1 s2",
        "compare s0 s1",
    ]
    images, labels = pictures(120, 2)
    right = runs[0].model.logits(images).argmax(axis=1) == labels
    assert found.contestants[0].accuracy == proportion(int(right.sum()), 120)


def test_every_way_to_name_a_model_compares_the_same(runs: list[Run], tmp_path: Path) -> None:
    """Runs, folders, model files of runs, files elsewhere and models in memory give the same numbers."""
    expected = [each.accuracy for each in compare(runs[0], runs[1]).contestants]
    copy = shutil.copy(runs[1].model_path, tmp_path / "copy.safetensors")
    for one, other in (
        (runs[0].path, str(runs[1].path)),
        (runs[0].model_path, runs[1].model),
        (runs[0].model, copy),
    ):
        assert [each.accuracy for each in compare(one, other).contestants] == expected
    assert [each.name for each in compare(runs[0].model_path, copy).contestants] == ["s0", "copy"]


def test_names_that_coincide_are_told_apart(runs: list[Run], tmp_path: Path) -> None:
    """Two models of one name are called by their paths; models in memory by their letters."""
    copy = shutil.copytree(runs[1].path, tmp_path / "s0")
    assert [each.name for each in compare(runs[0].path, copy).contestants] == [str(runs[0].path), str(copy)]
    twin = replace(runs[1].model, provenance=runs[0].model.provenance)
    assert [each.name for each in compare(runs[0].model, twin).contestants] == ["s0 A", "s0 B"]


def test_keys_go_on_after_z() -> None:
    """Letters count like the columns of a spreadsheet."""
    assert [key_of(place) for place in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AB",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_a_model_is_not_compared_with_itself(runs: list[Run]) -> None:
    """One target alone, or the same twice in whatever form, is refused."""
    with pytest.raises(RunError, match="1 target was given"):
        compare(runs[0])
    with pytest.raises(RunError, match="No target was given"):
        compare()
    for again in (runs[0].path, runs[0].model_path, runs[0].path / ".." / "s0"):
        with pytest.raises(RunError, match=r"A and C are both .*s0"):
            compare(runs[0], runs[1], again)
    with pytest.raises(RunError, match="A and B are both"):
        compare(runs[0].model, runs[0].model)


def test_other_data_are_refused_before_anything_is_opened(runs: list[Run], log: Path, tmp_path: Path) -> None:
    """Other training images, other test images or another split: the message says which two differ, and how."""
    for train_n, test_n, validation, said in (
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
            r"A \(s0\) and B \(other\) have different test images: 120 \(sha256:.*, and 110 \(sha256",
        ),
        (
            400,
            120,
            100,
            r"different splits: validation = 150, split_seed = 0, and validation = 100, split_seed = 0",
        ),
    ):
        folder = tmp_path / f"{train_n}-{test_n}-{validation}"
        data = load(write_folder(folder / "digits", train_n, test_n))
        other = train(data, recipe(epochs=1, validation=validation), out=folder / "other")
        with pytest.raises(RunError, match=said):
            compare(runs[0], other, on="test")
    assert not log.exists()


def test_other_classes_are_refused(runs: list[Run]) -> None:
    """A model that calls the classes otherwise is refused, whatever it says of its data."""
    model = runs[1].model
    other = replace(model, class_names=("zero", *model.class_names[1:]))
    with pytest.raises(RunError, match=r"know different classes: 10 \(0, 1, .*, and 10 \(zero, 1"):
        compare(runs[0], other)


def test_the_same_data_elsewhere_are_the_same(runs: list[Run], tmp_path: Path) -> None:
    """A run on a copy of the data is compared: what counts is the content."""
    data = load(write_folder(tmp_path / "copy", 400, 120))
    other = train(data, recipe(epochs=1, validation=150, seed=5), out=tmp_path / "other")
    assert compare(runs[0], other).contestants[1].seed == 5


def test_without_validation_images_there_is_nothing_to_compare_on(top: Path, tmp_path: Path) -> None:
    """Runs that kept none are refused with what to do; on test they can be compared."""
    data = load(top / "digits")
    both = [
        train(data, recipe(epochs=1, validation=0, seed=each), out=tmp_path / f"r{each}") for each in (0, 1)
    ]
    with pytest.raises(DataError, match=r"kept no image of digits for validation.*--on test"):
        compare(*both)
    assert compare(*both, on="test").n == 120


def test_unfinished_runs_and_unknown_models_are_refused(runs: list[Run]) -> None:
    """A model of an interrupted training or of unknown origin takes no part."""
    model = runs[1].model
    stopped = model.provenance.updated(status="interrupted")
    for provenance, error in ((stopped, RunError), (Provenance(), ModelError)):
        with pytest.raises(error):
            compare(runs[0], replace(model, provenance=provenance))


def test_an_unknown_split_is_refused(runs: list[Run]) -> None:
    """Only validation and test can be compared on."""
    with pytest.raises(DataError, match="Did you mean 'test'"):
        compare(*runs, on="tests")  # type: ignore[arg-type] # what is to be refused


def test_notes_warn_of_what_flatters(top: Path, runs: list[Run], tmp_path: Path) -> None:
    """Models stopped by validation images, several pairs, and the difference between a model and a recipe are noted."""
    stopping = recipe(epochs=2, validation=150, early_stopping=EarlyStopping(), seed=7)
    stopped = train(load(top / "digits"), stopping, out=tmp_path / "stopped")
    notes = compare(runs[0], stopped).notes
    assert any(note.startswith("The training of B was stopped by") for note in notes)
    assert not any(
        "was stopped" in note for note in compare(runs[0], stopped, on="test", runs_root=tmp_path).notes
    )
    assert any("at least 5 seeds" in note for note in notes)
    assert any("corrected for their number, 3" in note for note in compare(*runs).notes)


def test_few_images_are_said_to_be_few(tmp_path: Path) -> None:
    """Below a hundred images a note says that only a large difference can be seen."""
    data = load(write_folder(tmp_path / "digits", 200, 60))
    both = [train(data, recipe(epochs=1, seed=each), out=tmp_path / f"r{each}") for each in (0, 1)]
    assert compare(*both).notes[0].startswith("50 images are few")


def test_arrays_are_given_again(tmp_path: Path) -> None:
    """Runs on arrays are compared with the same arrays; without them nothing is compared."""
    data = load(pictures(300, 1))
    both = [train(data, recipe(epochs=1, seed=each), out=tmp_path / f"r{each}") for each in (0, 1)]
    with pytest.raises(DataError, match="arrays in memory"):
        compare(*both)
    assert compare(*both, data=data).n == 50


def test_a_comparison_is_json(runs: list[Run]) -> None:
    """What is written is plain JSON with the format's number, and without images."""
    found = compare(*runs)
    kept = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert kept["format"] == 1
    assert "images" not in kept
    assert [each["verdict"] for each in (*kept["pairs"], *kept["recipes"])] == list(found.verdicts)
    assert str(found) == "\n".join(found.verdicts)
    assert len(kept["disagreements"]) == len(found.disagreements)


def test_what_is_done_is_reported(runs: list[Run]) -> None:
    """Reading, loading and each model are told."""
    said: list[str] = []
    compare(runs[0], runs[1], report=said.append)
    assert said == ["reading the models", "loading the data", "asking A (s0)", "asking B (s1)"]
