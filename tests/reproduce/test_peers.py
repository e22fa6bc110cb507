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
    """Make a job for each of the first seeds."""
    recipe = ot.load_recipe("mlp-784")
    return [peers.Job(recipe.override({"seed": seed}), "jax") for seed in range(count)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_job_returns_one_result(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job's answer comes back once, however many processes there are at a time."""
    monkeypatch.setattr(peers, "write_arrays", lambda *_: (Path("arrays.npz"), "sha256:0"))
    monkeypatch.setattr(peers, "run_job", lambda job, *_: ANSWER | {"seed": job.recipe.seed})
    found = peers.train_all(ot.load("mnist"), jobs(5), workers)
    assert sorted(each.trainings[0].seed for each in found) == [0, 1, 2, 3, 4]


def test_failed_job_starts_no_further_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a job fails its error comes through, and jobs that wait are not started."""
    started = []

    def fail(job: peers.Job, *_: object) -> peers.Answer:
        started.append(job.recipe.seed)
        # A process takes its time; so there is time to notice that the one before failed.
        time.sleep(0.05)
        raise RuntimeError("Keras failed")

    monkeypatch.setattr(peers, "write_arrays", lambda *_: (Path("arrays.npz"), "sha256:0"))
    monkeypatch.setattr(peers, "run_job", fail)
    with pytest.raises(RuntimeError, match="Keras failed"):
        list(peers.train_all(ot.load("mnist"), jobs(200), 1))
    assert len(started) < 200


def test_arrays_contain_the_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer is handed the images and the very validation indices that optotype carves."""
    monkeypatch.setattr(peers, "CACHE", tmp_path)
    data, recipe = ot.load("mnist"), ot.load_recipe("mlp-300-300")
    file, split = peers.write_arrays(data, recipe)
    carved = stratified_split(data.labels, recipe.validation, recipe.split_seed)
    with np.load(file) as arrays:
        assert (arrays["validation"] == carved.validation).all()
        assert arrays["test_images"].shape == (10_000, 28, 28, 1)
    assert split == carved.fingerprint


def test_both_libraries_monitor_the_same_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe that stops early hands the peer the half of validation that optotype watches; another hands it all."""
    monkeypatch.setattr(peers, "CACHE", tmp_path)
    data = ot.load("mnist")
    for name, halved in (("mlp-300-300-early", True), ("mlp-300-300", False)):
        recipe = ot.load_recipe(name)
        split = stratified_split(data.labels, recipe.validation, recipe.split_seed)
        with np.load(peers.write_arrays(data, recipe)[0]) as arrays:
            watched = (
                split_in_halves(split.validation, data.labels, recipe.split_seed)[0]
                if halved
                else split.validation
            )
            assert (arrays["watched"] == watched).all()
            assert (arrays["validation"] == split.validation).all()
