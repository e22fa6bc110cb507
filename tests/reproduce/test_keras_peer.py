import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import optotype as ot
from optotype.engine.schedules import OneCycle, learning_rates
from reproduce import keras_peer
from reproduce.peers import Job, results


@given(st.floats(0.05, 0.95), st.floats(1, 100), st.floats(1, 1e5), st.integers(1, 500))
def test_one_cycle_schedule_equals_optotype(share: float, first: float, last: float, steps: int) -> None:
    """The Keras program computes optotype's one-cycle schedule, step by step."""
    schedule = OneCycle(share, first, last)
    table = {"pct_start": share, "div_factor": first, "final_div_factor": last}
    np.testing.assert_allclose(
        keras_peer.one_cycle(table, 0.01, steps), learning_rates(schedule, 0.01, steps)
    )


def test_keras_job_returns_a_valid_record(tmp_path: Path) -> None:
    """A job that Keras trains in a separate process returns a record that can be saved in results/."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = (rng.integers(0, 128, (60, 8, 8, 1)) + 100 * labels[:, None, None, None]).astype(np.uint8)
    arrays = tmp_path / "arrays.npz"
    np.savez(
        arrays,
        train_images=images,
        train_labels=labels,
        test_images=images,
        test_labels=labels,
        validation=np.arange(20),
        watched=np.arange(0, 20, 2),
    )
    recipe = ot.Recipe(
        layers=(
            ot.Conv2D(3, 3, "relu"),
            ot.MaxPooling2D(2),
            ot.Dropout(0.1),
            ot.Flatten(),
            ot.Dense(5, "tanh"),
        ),
        schedule=ot.OneCycle(),
        batch_size=16,
        epochs=3,
        validation=20,
        early_stopping=ot.EarlyStopping(patience=3),
    )
    job = {"recipe": json.loads(recipe.to_json()), "arrays": str(arrays), "seed": 1, "backend": "jax"}
    job |= {"cores": sorted(os.sched_getaffinity(0))}
    file = tmp_path / "job.json"
    file.write_text(json.dumps(job))
    command = [sys.executable, keras_peer.__file__, str(file)]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    record = results(Job(recipe, "jax"), "sha256:0", answer).trainings[0]
    assert (record.epochs, record.train.n, record.test.n) == (3, 40, 60)
    assert record.validation is not None
    assert record.validation.n == 20
    assert sorted(record.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert answer["parameters"] == 30 + 140 + 12
