"""Judging a trained model: how good it is on training, validation and the test images, which are unsealed for it.

Everything that can fail is done before the test split is opened: an opening is counted, and must not be spent on a
mistake. So the data are loaded again from where they came, the split is carved again, and both must be what the model
was trained on, bit for bit. All that is said afterwards is computed from what the model said of each image.
"""

from pathlib import Path
from typing import Final

import numpy as np

from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from optotype.judging.examine import examine
from optotype.judging.judgement import Evidence, Judgement
from optotype.judging.origin import Origin, find, origin_of, reload
from optotype.judging.scores import score
from optotype.models.model import Model
from optotype.runs.run import Run

SPLITS: Final = ("train", "validation", "test")


def judge(
    target: Run | Model | str | Path, *, data: Dataset | None = None, runs_root: str | Path | None = None
) -> Judgement:
    """Judge a finished run or its model; this opens the sealed test split, which is counted.

    Args:
        target: A run, a model, or the path of either. A run's judgement is also kept in its folder, with what the
            model said of each image; and so is that of its model file.
        data: What the model was trained on, where that was in memory; by default it is loaded from where it came.
            Its fingerprints must be those of the training.
        runs_root: Folder whose test-openings.jsonl counts the opening; by default the one that holds the run, or
            runs/ in the working folder for a model that is in no run folder.

    Returns:
        Scores on training, validation and test images, and what they were made from.

    Raises:
        RunError: The run or the model's training did not end well, or the opening cannot be written down.
        ModelError: The model file is damaged, or does not say what it was trained on.
        DataError: The data are gone, were in memory and not given, or are no longer what the model was trained on.
    """
    found = find(target) if isinstance(target, str | Path) else target
    if isinstance(found, Model):
        return _judge(found, origin_of(found), data, Path(runs_root or "runs"))[0]
    found.require_finished()
    origin = Origin(found.data, found.split.fingerprint, found.name)
    judgement, evidence = _judge(found.model, origin, data, Path(runs_root or found.path.resolve().parent))
    # What a judgement was made from is there when it is.
    for name, predictions in evidence.predictions.items():
        found.write_predictions(name, predictions)
    found.write_judgement(judgement.to_json())
    return judgement


def _judge(
    model: Model, origin: Origin, given: Dataset | None, runs_root: Path
) -> tuple[Judgement, Evidence]:
    data, split = reload(origin, model.recipe, given)
    said = {
        name: examine(model, data.images, data.labels, rows)
        for name, rows in (("train", split.train), ("validation", split.validation))
        if len(rows)
    }
    opened = open_test(data, runs_root, by=f"judge {origin.name}")
    said["test"] = examine(model, opened.images, opened.labels, np.arange(len(opened.labels)))
    evidence = Evidence(
        predictions=said,
        images={name: opened.images if name == "test" else data.images for name in said},
        files={name: data.test.files if name == "test" else data.files for name in said},
    )
    judgement = Judgement(
        target=origin.name,
        data=data.name,
        on="test",
        splits={name: score(said[name], model.class_names) if name in said else None for name in SPLITS},
        openings=opened.openings,
        test_fingerprint=opened.fingerprint,
        evidence=evidence,
    )
    return judgement, evidence
