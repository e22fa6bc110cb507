"""Judging of a trained model: on training, validation and test images, or on new labelled images.

Everything that can fail is done before the test split is opened, because an opening is counted and must not be spent
on a mistake. The data are loaded again from their source and split again, and both must equal the training data bit
for bit. All results are computed from the model's prediction for each image.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from optotype.data.dataset import Dataset
from optotype.data.sealed import OpenedTest, open_test
from optotype.diagnosis import diagnose
from optotype.judging.baselines import measure_baselines
from optotype.judging.judgement import Evidence, Judgement
from optotype.judging.new_images import note_on_conversion, note_on_training_copies, open_new_images
from optotype.judging.notes import notes_on_added_test_images, notes_on_sample_size
from optotype.judging.robustness import robustness_curves
from optotype.judging.scores import score
from optotype.judging.uncertainty import check_uncertainty, notes_on_uncertainty
from optotype.models.model import Model
from optotype.runs.files import wrap_os_errors, write_json
from optotype.runs.origin import Origin, check_dataset, reload_data
from optotype.runs.predictions import Predictions, predict_split, write_predictions
from optotype.runs.run import Run
from optotype.runs.targets import Target, open_target
from optotype.storage.outputs import check_output_folder, mark_output

SPLITS: Final = ("train", "validation", "test")

Report = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class _Subject:
    """A model to judge.

    Attributes:
        model: The model.
        origin: The data, split and run that it was trained with.
        run: Its run; None for a model file outside a run folder.
        runs_root: Folder in which openings are counted.
        report: Called with the name of each step.
    """

    model: Model
    origin: Origin
    run: Run | None
    runs_root: Path
    report: Report


def judge(
    target: Target | Run | Model | str | Path,
    *,
    data: Dataset | None = None,
    robust: bool = False,
    runs_root: str | Path | None = None,
    report: Report | None = None,
) -> Judgement:
    """Judge a finished run or its model. This opens the sealed test split, which is counted.

    Args:
        target: A run, a model, or the path of either. The judgement of a run, or of a run's model file, is also saved
            in the run folder, with the prediction for each image.
        data: Other labelled images; all of them are scored as new, including their test split. Or the model's training
            data, if they were in memory; by default the training data are loaded from their source.
        robust: Whether to measure accuracy on changed images too.
        runs_root: Folder whose test-openings.jsonl counts the opening; by default the folder that contains the run, or
            runs/ in the working folder for a model outside a run folder.
        report: Called with the name of each step.

    Returns:
        Scores on training, validation and test images, or on new images, with the evidence.

    Raises:
        RunError: If the run or the model's training did not finish, or the opening cannot be written to the log.
        ModelError: If the model file is damaged, or does not name its training data.
        DataError: If the training data are missing, were in memory and not passed, or have changed since training; or
            if new images have another shape, or classes that the model lacks.
    """
    opened = open_target(target)
    check_dataset(data)
    origin, model, run = opened.origin(), opened.model, opened.run
    subject = _Subject(model, origin, run, Path(runs_root or opened.runs_root), report or (lambda _: None))
    # The training data with other additional images are not new images; reload_data raises an error on the difference.
    if data is not None and data.own_fingerprint != origin.data.own_fingerprint:
        return _judge_new_images(subject, data, robust=robust)
    judgement = _judge_own_data(subject, data, robust=robust)
    if run is not None:
        subject.report("diagnosis")
        judgement = replace(judgement, diagnoses=diagnose(run, judgement))
        # The predictions are written first, so that a saved judgement always has its evidence.
        run.write_predictions("test", judgement.predictions["test"])
        run.write_judgement(judgement.to_json())
    return judgement


def write_judgement(judgement: Judgement, folder: Path) -> None:
    """Write the predictions and then the judgement of new images or of a model without a run.

    Args:
        judgement: The judgement.
        folder: The output folder; it is created if missing, and marked as optotype's.

    Raises:
        RunError: If the folder is a run folder, or cannot be written.
    """
    check_output_folder(folder)
    with wrap_os_errors(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
        mark_output(folder)
    for name, predictions in judgement.predictions.items():
        write_predictions(folder / "predictions" / f"{name}.safetensors", predictions)
    write_json(folder / "judgement.json", judgement.to_json())


def _judge_own_data(subject: _Subject, data: Dataset | None, *, robust: bool) -> Judgement:
    """Judge a model on its training data and their test split."""
    model = subject.model
    subject.report("loading")
    data, split = reload_data(subject.origin, model.recipe, data)
    subject.report("scoring")
    predictions = {
        name: predict_split(model, data.images, data.labels, rows)
        for name, rows in (("train", split.train), ("validation", split.validation))
        if len(rows)
    }
    if (
        subject.run is not None
    ):  # before the opening, so that it is not spent on a run folder that is read-only
        for name, of_split in predictions.items():
            subject.run.write_predictions(name, of_split)
    opened = open_test(data, subject.runs_root, by=f"judge {subject.origin.name}")
    predictions["test"] = predict_split(model, opened.images, opened.labels, np.arange(len(opened.labels)))
    scores = {name: score(of_split, model.class_names) for name, of_split in predictions.items()}
    subject.report("baselines")
    baselines = measure_baselines(data, split, opened)
    curves = robustness_curves(model, opened.images, opened.labels, subject.report) if robust else ()
    return Judgement(
        target=subject.origin.name,
        data=data.name,
        on="test",
        splits={name: scores.get(name) for name in SPLITS},
        **check_uncertainty(model, predictions["test"]),
        baselines=baselines,
        robustness=tuple(curves),
        notes=(
            *notes_on_added_test_images(data, opened.images),
            *notes_on_sample_size(scores["test"]),
            *notes_on_uncertainty(model),
        ),
        openings=opened.openings,
        test_fingerprint=opened.fingerprint,
        evidence=_evidence(predictions, data, opened),
    )


def _evidence(predictions: Mapping[str, Predictions], data: Dataset, opened: OpenedTest) -> Evidence:
    return Evidence(
        predictions=predictions,
        images={name: opened.images if name == "test" else data.images for name in predictions},
        files={name: data.test.files if name == "test" else data.files for name in predictions},
    )


def _judge_new_images(subject: _Subject, data: Dataset, *, robust: bool) -> Judgement:
    """Judge a model on images that are not from its data set."""
    model, name = subject.model, subject.origin.name
    new = open_new_images(model, data, subject.runs_root, by=f"judge {name} on new images")
    subject.report("scoring")
    predictions = predict_split(model, new.images, new.labels, np.arange(len(new.labels)))
    new_score = score(predictions, model.class_names)
    image_notes = (
        note_on_conversion(data, model),
        note_on_training_copies(new.images, subject.origin, model),
    )
    curves = robustness_curves(model, new.images, new.labels, subject.report) if robust else ()
    return Judgement(
        target=name,
        data=data.name,
        on="new",
        splits={"new": new_score},
        **check_uncertainty(model, predictions),
        robustness=tuple(curves),
        notes=(
            *filter(None, image_notes),
            *notes_on_sample_size(new_score),
            *notes_on_uncertainty(model),
        ),
        openings=new.opened.openings,
        test_fingerprint=new.opened.fingerprint,
        evidence=Evidence({"new": predictions}, images={"new": new.images}, files={"new": new.files}),
    )
