"""`augment = "auto"`: what it refuses and takes, of what it says so, and where the run keeps it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from optotype.data.dataset import Dataset, SealedTest
from optotype.data.splits import stratified_split
from optotype.engine.augmentation import Augment
from optotype.engine.network import Network
from optotype.errors import RecipeError
from optotype.recipes.recipe import Recipe
from optotype.runs.run import Run
from optotype.training import auto_augment
from optotype.training.auto_augment import Trial, resolve_augment
from optotype.training.loop import epochs
from optotype.training.train import train
from tests.training.samples import dataset, recipe

N = 800


@pytest.fixture(autouse=True)
def _shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_augment, "_STEPS", 150)


def arrows(n: int = N, *, mirrored: bool) -> Dataset:
    """Make pictures of two classes, a bar at the left or right end of a line; or, mirrored, a high or low line."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    images = rng.integers(0, 30, (n, 12, 12, 1), np.uint8)
    # Dark edges, as digits have.
    images[:, [0, -1]] = images[:, :, [0, -1]] = 0
    for image, label in zip(images, labels, strict=True):
        if mirrored:
            image[2 + 5 * label : 5 + 5 * label, 2:10] += 200
        else:
            image[5:7, 2:10] += 200
            image[2:10, 2 + 6 * label : 4 + 6 * label] = 220
    sealed = SealedTest(2, lambda: (images[:2], labels[:2]))
    return Dataset("arrows", images, labels, ("a", "b"), "none", "memory", sealed)


def asked() -> Recipe:
    """Make a recipe that leaves the choice open."""
    return recipe(epochs=1).override({"augment": "auto"})


def settled(data: Dataset, threads: int = 2) -> tuple[Augment | None, list[str]]:
    """Choose, and give what was chosen and why."""
    made, record = resolve_augment(asked(), data, np.arange(len(data.labels)), threads)
    assert record is not None
    assert not isinstance(made.augment, str)
    why = record["why"]
    assert isinstance(why, list)
    return made.augment, [str(each) for each in why]


def test_a_flip_that_changes_the_class_is_refused() -> None:
    """Where left and right are the classes, a flip is refused with what it costs: about half of the accuracy."""
    chosen, why = settled(arrows(mirrored=False))
    assert chosen is None or not chosen.flip
    assert why[0].startswith("flip: refused, it costs ")
    assert 40 < float(why[0].split()[4]) < 60


def test_a_flip_that_changes_nothing_is_taken() -> None:
    """Where pictures are symmetric, a flip costs nothing and is taken, with black padding as their edges are black."""
    chosen, why = settled(arrows(mirrored=True))
    assert chosen is not None
    assert (chosen.flip, chosen.padding) == (True, "zero")
    assert why[0].startswith("flip: tolerated, it costs ")
    assert chosen.rotation < 180


def test_the_strongest_that_is_tolerated_is_taken() -> None:
    """Of each kind trials go from strong to weak, and end with the first that is tolerated."""
    chosen, why = settled(arrows(mirrored=True))
    turns = [line for line in why if line.startswith("rotation")]
    assert all("refused" in line for line in turns[:-1])
    taken = float(turns[-1].split()[1].rstrip(":")) if "tolerated" in turns[-1] else 0.0
    assert chosen is not None
    assert chosen.rotation == taken


def test_threads_choose_alike() -> None:
    """The choice and every number of it are the same on one thread and on two."""
    data = arrows(mirrored=False)
    assert settled(data, 1) == settled(data, 2)


def test_too_few_images_choose_nothing() -> None:
    """With fewer than 500 images nothing is chosen, and the record says why."""
    chosen, why = settled(arrows(499, mirrored=True))
    assert chosen is None
    assert why == ["499 training images are too few to choose by, expected at least 500: nothing is changed"]


def test_a_trial_is_tolerated_only_beyond_doubt() -> None:
    """The drop and its margin together must stay below the limit."""
    assert Trial("x", 0.03, 0.009, limit=0.04).tolerated
    assert not Trial("x", 0.03, 0.011, limit=0.04).tolerated


def test_a_net_that_knows_nothing_chooses_nothing() -> None:
    """Where labels are chance, or one class is nearly all there is to see, no change is taken for harmless."""
    data = arrows(mirrored=True)
    rng = np.random.default_rng(0)
    rare = np.where(rng.random(N) < 0.05, 1, 0)
    for labels in (rng.permutation(data.labels), rare):
        chosen, why = settled(replace(data, labels=labels))
        assert chosen is None
        assert len(why) == 1
        assert "chance about 50.0 %: too little to choose by, nothing is changed" in why[0]


def test_a_small_class_is_not_ruined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a flip turns one class of 2 % into another of 2 %, it is refused, little as that is of all images."""
    monkeypatch.setattr(auto_augment, "_STEPS", 500)
    large, small = arrows(1920, mirrored=True), arrows(80, mirrored=False)
    data = replace(
        large,
        images=np.concatenate([large.images, small.images]),
        labels=np.concatenate([large.labels, small.labels + 2]),
        class_names=("high", "low", "left", "right"),
    )
    _, why = settled(data)
    assert why[0].startswith("flip: refused")


def test_bright_edges_are_padded_with_their_reflection() -> None:
    """Where the outermost pixels are not black, black padding would put in what no image has."""
    images: NDArray[np.uint8] = np.full((3, 9, 9, 1), 7, np.uint8)
    assert auto_augment._start(images).padding == "reflect"
    assert auto_augment._start(images * 0).padding == "zero"


def test_the_run_keeps_what_was_chosen_and_why(tmp_path: Path) -> None:
    """The run's recipe and model say what was chosen, augment.json why; trained by that, it is trained the same."""
    data = arrows(mirrored=True)
    run = train(data, asked(), out=tmp_path / "auto")
    opened = Run.open(run.path)
    assert isinstance(opened.recipe.augment, Augment)
    assert opened.recipe == opened.model.recipe
    assert opened.augment_choice is not None
    assert opened.augment_choice["chosen"] == str(opened.recipe.augment)
    again = train(data, opened.recipe, out=tmp_path / "again")
    assert again.augment_choice is None
    for name, weight in run.model.weights.items():
        np.testing.assert_array_equal(weight, again.model.weights[name])


def test_a_stop_while_choosing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the training began leaves no run folder, and says that there is none."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(auto_augment, "QuickNet", stop)
    with pytest.raises(KeyboardInterrupt, match="while its augmentation was chosen"):
        train(arrows(mirrored=True), asked(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_loop_refuses_what_is_not_settled() -> None:
    """The training loop itself chooses nothing."""
    data = dataset()
    split = stratified_split(data.labels, 0, 0)
    network = Network(asked().network_layers(10), data.shape)
    with pytest.raises(RecipeError, match="'augment' is 'auto', expected what was chosen"):
        next(iter(epochs(network, data, split, asked())))
