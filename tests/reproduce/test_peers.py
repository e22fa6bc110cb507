import time
from pathlib import Path

import numpy as np
import pytest

import optotype as ot
from optotype.data.splits import split_in_halves, stratified_split
from reproduce import peers
from tests.reproduce.examples import training

ANSWER = {"versions": {"keras": "3"}, **training(0, 0.98).model_dump()}


def jobs(count: int) -> list[peers.Job]:
    """Create a job for each of the first seeds."""
    recipe = ot.load_recipe("mlp-784")
    return [peers.Job(recipe.override({"seed": seed}), "jax") for seed in range(count)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_job_returns_one_result(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job returns one result, with any number of parallel processes."""
    monkeypatch.setattr(peers, "write_arrays", lambda *_: (Path("arrays.npz"), "sha256:0"))
    monkeypatch.setattr(peers, "run_job", lambda job, *_: ANSWER | {"seed": job.recipe.seed})
    completed = peers.train_all(ot.load("mnist"), jobs(5), workers)
    assert sorted(result.trainings[0].seed for result in completed) == [0, 1, 2, 3, 4]


def test_failed_job_starts_no_further_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a job fails, its error is raised, and waiting jobs are not started."""
    started = []

    def fail(job: peers.Job, *_: object) -> peers.Answer:
        started.append(job.recipe.seed)
        # A delay, so that the failure of an earlier job can be detected.
        time.sleep(0.05)
        raise RuntimeError("Keras failed")

    monkeypatch.setattr(peers, "write_arrays", lambda *_: (Path("arrays.npz"), "sha256:0"))
    monkeypatch.setattr(peers, "run_job", fail)
    with pytest.raises(RuntimeError, match="Keras failed"):
        list(peers.train_all(ot.load("mnist"), jobs(200), 1))
    assert len(started) < 200


def test_arrays_contain_the_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file for Keras contains the images and the validation indices of optotype's split."""
    monkeypatch.setattr(peers, "CACHE", tmp_path)
    data, recipe = ot.load("mnist"), ot.load_recipe("mlp-300-300")
    file, split = peers.write_arrays(data, recipe)
    expected = stratified_split(data.labels, recipe.validation, recipe.split_seed)
    with np.load(file) as arrays:
        assert (arrays["validation"] == expected.validation).all()
        assert arrays["test_images"].shape == (10_000, 28, 28, 1)
    assert split == expected.fingerprint


def test_both_libraries_monitor_the_same_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With early stopping Keras monitors the same half of the validation images as optotype; without it, all."""
    monkeypatch.setattr(peers, "CACHE", tmp_path)
    data = ot.load("mnist")
    for name, is_halved in (("mlp-300-300-early", True), ("mlp-300-300", False)):
        recipe = ot.load_recipe(name)
        split = stratified_split(data.labels, recipe.validation, recipe.split_seed)
        with np.load(peers.write_arrays(data, recipe)[0]) as arrays:
            monitored = (
                split_in_halves(split.validation, data.labels, recipe.split_seed)[0]
                if is_halved
                else split.validation
            )
            assert (arrays["watched"] == monitored).all()
            assert (arrays["validation"] == split.validation).all()
