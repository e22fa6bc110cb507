"""`augment = "auto"`: which changes are rejected and chosen, the reasons, and where the run stores them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optotype.data.dataset import Dataset, SealedTest
from optotype.engine.augmentation import Augment
from optotype.engine.layers import describe
from optotype.errors import RecipeError
from optotype.recipes.recipe import Recipe
from optotype.runs.run import Run
from optotype.training import auto_augment
from optotype.training.auto_augment import ToleranceTest, probe_recipe, resolve_augment
from optotype.training.loop import epochs
from optotype.training.plan import build_network, plan_training
from optotype.training.probe_net import ProbeNetwork
from optotype.training.train import train
from tests.training.samples import dataset, recipe

N = 800


@pytest.fixture(autouse=True)
def _short_probe_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_augment, "_STEPS", 150)


def arrows(n: int = N, *, mirrored: bool) -> Dataset:
    """Create pictures of two classes: a bar at the left or right end of a line; or, mirrored, a high or low line."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    images = rng.integers(0, 30, (n, 12, 12, 1), np.uint8)
    # Dark edges, like digits.
    images[:, [0, -1]] = images[:, :, [0, -1]] = 0
    for image, label in zip(images, labels, strict=True):
        if mirrored:
            image[2 + 5 * label : 5 + 5 * label, 2:10] += 200
        else:
            image[5:7, 2:10] += 200
            image[2:10, 2 + 6 * label : 4 + 6 * label] = 220
    sealed = SealedTest(2, lambda: (images[:2], labels[:2]))
    return Dataset("arrows", images, labels, ("a", "b"), "none", "memory", sealed)


def auto_recipe() -> Recipe:
    """Create a recipe without validation whose augmentation is chosen automatically."""
    return recipe(epochs=1, validation=0).override({"augment": "auto"})


def choose(data: Dataset, threads: int = 2) -> tuple[Augment | None, list[str]]:
    """Choose an augmentation, and return it with the reasons."""
    plan = resolve_augment(plan_training(data, auto_recipe(), threads))
    assert plan.augment_choice is not None
    assert not isinstance(plan.recipe.augment, str)
    reasons = plan.augment_choice["why"]
    assert isinstance(reasons, list)
    return plan.recipe.augment, [str(reason) for reason in reasons]


def test_a_flip_that_changes_the_class_is_rejected() -> None:
    """If left and right are the classes, a flip is rejected: it costs about half of the accuracy."""
    augment, reasons = choose(arrows(mirrored=False))
    assert augment is None or not augment.flip
    assert reasons[0].startswith("flip: rejected, costs ")
    assert 40 < float(reasons[0].split()[3]) < 60


def test_a_flip_that_changes_nothing_is_chosen() -> None:
    """If pictures are symmetric, a flip costs nothing and is chosen; padding is black as their edges are black."""
    augment, reasons = choose(arrows(mirrored=True))
    assert augment is not None
    assert (augment.flip, augment.padding) == (True, "zero")
    assert reasons[0].startswith("flip: tolerated, costs ")
    assert augment.rotation < 180


def test_the_strongest_tolerated_change_is_chosen() -> None:
    """For each kind, measurements go from strong to weak, and end with the first tolerated change."""
    augment, reasons = choose(arrows(mirrored=True))
    rotations = [reason for reason in reasons if reason.startswith("rotation")]
    assert all("rejected" in reason for reason in rotations[:-1])
    chosen = float(rotations[-1].split()[1].rstrip(":")) if "tolerated" in rotations[-1] else 0.0
    assert augment is not None
    assert augment.rotation == chosen


def test_threads_do_not_change_the_choice() -> None:
    """The choice and all its measurements are the same on one thread and on two."""
    data = arrows(mirrored=False)
    assert choose(data, 1) == choose(data, 2)


def test_too_few_images_choose_nothing() -> None:
    """With fewer than 500 images nothing is chosen, and the reason names both numbers."""
    augment, (reason,) = choose(arrows(499, mirrored=True))
    assert augment is None
    assert "499 training images" in reason
    assert "500" in reason


def test_the_drop_and_its_margin_must_stay_below_the_limit() -> None:
    """A change is tolerated only if the upper end of the drop's interval is below the limit."""
    assert ToleranceTest("x", 0.03, 0.009, max_drop=0.04).is_tolerated
    assert not ToleranceTest("x", 0.03, 0.011, max_drop=0.04).is_tolerated


def test_a_probe_network_near_chance_chooses_nothing() -> None:
    """With random labels, or if nearly all images are of one class, no change counts as tolerated."""
    data = arrows(mirrored=True)
    rng = np.random.default_rng(0)
    rare = np.where(rng.random(N) < 0.05, 1, 0)
    for labels in (rng.permutation(data.labels), rare):
        augment, (reason,) = choose(replace(data, labels=labels))
        assert augment is None
        assert "chance is 50.0 %" in reason


def test_a_flip_that_harms_small_classes_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flip that turns one class of 2 % into another of 2 % is rejected, although it changes few of all images."""
    monkeypatch.setattr(auto_augment, "_STEPS", 500)
    large, small = arrows(1920, mirrored=True), arrows(80, mirrored=False)
    data = replace(
        large,
        images=np.concatenate([large.images, small.images]),
        labels=np.concatenate([large.labels, small.labels + 2]),
        class_names=("high", "low", "left", "right"),
    )
    _, reasons = choose(data)
    assert reasons[0].startswith("flip: rejected")


@given(st.integers(1, 64), st.integers(1, 64), st.sampled_from([1, 3]), st.integers(1, 10_000))
def test_there_is_a_probe_network_for_every_shape(
    height: int, width: int, channels: int, images: int
) -> None:
    """Its layers fit images of any size, and it makes at least 150 steps, whatever the number of images."""
    small = probe_recipe((height, width, channels), images, seed=0)
    assert describe(small.network_layers(2), (height, width, channels))[-1].output_shape == (2,)
    assert small.epochs * -(-images // small.batch_size) >= 150


def test_bright_edges_are_padded_with_their_reflection() -> None:
    """If the outermost pixels are not black, padding reflects the image."""
    images: NDArray[np.uint8] = np.full((3, 9, 9, 1), 7, np.uint8)
    assert auto_augment._choose_padding(images).padding == "reflect"
    assert auto_augment._choose_padding(images * 0).padding == "zero"


def test_the_run_stores_the_choice_and_its_reasons(tmp_path: Path) -> None:
    """Recipe and model store the choice, augment.json the reasons; training with that recipe gives the same weights."""
    data = arrows(mirrored=True)
    run = train(data, auto_recipe(), out=tmp_path / "auto")
    opened = Run.open(run.path)
    assert isinstance(opened.recipe.augment, Augment)
    assert opened.recipe == opened.model.recipe
    assert opened.augment_choice is not None
    assert opened.augment_choice["chosen"] == str(opened.recipe.augment)
    assert set(opened.augment_choice) == {"chosen", "why", "probe_network"}
    again = train(data, opened.recipe, out=tmp_path / "again")
    assert again.augment_choice is None
    for name, weight in run.model.weights.items():
        np.testing.assert_array_equal(weight, again.model.weights[name])


def test_validation_images_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe network is trained and measured on training images only."""
    used: list[int] = []

    class Recorder(ProbeNetwork):
        def __init__(
            self, data: Dataset, rows: NDArray[np.int64], recipe: Recipe, threads: int | None = None
        ) -> None:
            used.extend(rows.tolist())
            super().__init__(data, rows, recipe, threads)

    monkeypatch.setattr(auto_augment, "ProbeNetwork", Recorder)
    plan = plan_training(arrows(mirrored=True), auto_recipe().override({"validation": 200}))
    resolve_augment(plan)
    assert used
    assert not set(used) & set(plan.split.validation.tolist())


def test_an_interrupted_choice_leaves_no_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the training begins leaves no run folder, and the message says that nothing was saved."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(auto_augment, "AugmentProbe", stop)
    with pytest.raises(KeyboardInterrupt, match="Nothing was saved"):
        train(arrows(mirrored=True), auto_recipe(), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_loop_rejects_an_unresolved_augmentation() -> None:
    """The training loop itself chooses no augmentation."""
    plan = plan_training(dataset(), auto_recipe())
    with pytest.raises(RecipeError, match="'auto'"):
        next(iter(epochs(plan, build_network(plan))))
