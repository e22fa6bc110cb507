"""Judging a trained model: on training, validation and the test images, which are unsealed for it, or on new pictures.

Everything that can fail is done before the test split is opened: an opening is counted, and must not be spent on a
mistake. So the data are loaded again from where they came, the split is carved again, and both must be what the model
was trained on, bit for bit. All that is said afterwards is computed from what the model said of each image.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from optotype.data.dataset import Dataset
from optotype.data.sealed import open_test
from optotype.diagnosis import diagnose
from optotype.judging.baselines import baselines
from optotype.judging.judgement import Evidence, Judgement
from optotype.judging.new_images import note_on_colours, note_on_copies, open_pictures
from optotype.judging.notes import notes_on, notes_on_added
from optotype.judging.robustness import robustness
from optotype.judging.scores import score
from optotype.judging.uncertainty import check_uncertainty, notes_on_limits
from optotype.models.model import Model
from optotype.runs.files import wrap_os_errors, write_json
from optotype.runs.origin import Origin, find, origin_of, reload, require_dataset
from optotype.runs.predictions import predict_split, write_predictions
from optotype.runs.run import Run
from optotype.storage.outputs import check_output_folder, mark_output

SPLITS: Final = ("train", "validation", "test")

Report = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class _Subject:
    """Who is judged.

    Attributes:
        model: The model.
        origin: Where it comes from.
        run: The run that made it; None for a model file of no run folder.
        runs_root: Where openings are counted.
        report: Called with what is being done.
    """

    model: Model
    origin: Origin
    run: Run | None
    runs_root: Path
    report: Report


def judge(
    target: Run | Model | str | Path,
    *,
    data: Dataset | None = None,
    robust: bool = False,
    runs_root: str | Path | None = None,
    report: Report | None = None,
) -> Judgement:
    """Judge a finished run or its model; this opens a sealed test split, which is counted.

    Args:
        target: A run, a model, or the path of either. A run's judgement is also kept in its folder, with what the
            model said of each image; and so is that of its model file.
        data: Other labelled pictures, all of which are then scored as new, those of their test split included. Or
            what the model was trained on, where that was in memory; by default that is loaded from where it came.
        robust: Whether to measure accuracy on changed images too.
        runs_root: Folder whose test-openings.jsonl counts the opening; by default the one that holds the run, or
            runs/ in the working folder for a model that is in no run folder.
        report: Called with what is being done, now and then.

    Returns:
        Scores on training, validation and test images, or on new ones, and what they were made from.

    Raises:
        RunError: The run or the model's training did not end well, or the opening cannot be written down.
        ModelError: The model file is damaged, or does not say what it was trained on.
        DataError: The data are gone, were in memory and not given, or are no longer what the model was trained on; or
            new pictures are none that the model can see, or have classes that it does not know.
    """
    found = find(target)
    require_dataset(data)
    if isinstance(found, Model):
        model, origin, root = found, origin_of(found), Path("runs")
    else:
        found.require_finished()
        model, root = found.model, found.path.resolve().parent
        origin = Origin(found.data, found.split.fingerprint, found.name)
    run = found if isinstance(found, Run) else None
    subject = _Subject(model, origin, run, Path(runs_root or root), report or (lambda _: None))
    # Those of the training but for what was added to them are no new pictures: what differs is then said.
    if data is not None and data.own_fingerprint != origin.data.own_fingerprint:
        return _on_new_pictures(subject, data, robust=robust)
    judgement = _on_its_own_data(subject, data, robust=robust)
    if run is not None:
        subject.report("diagnosis")
        judgement = replace(judgement, diagnoses=diagnose(run, judgement))
        # What a judgement was made from is there when it is.
        run.write_predictions("test", judgement.predictions["test"])
        run.write_judgement(judgement.to_json())
    return judgement


def write_judgement(judgement: Judgement, folder: Path) -> None:
    """Write a judgement that is not a run's, on new pictures or of a model alone, after what it was made from.

    Args:
        judgement: The judgement.
        folder: Made where it is missing, and marked as optotype's.

    Raises:
        RunError: The folder is a run's, or it cannot be written.
    """
    check_output_folder(folder)
    with wrap_os_errors(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
        mark_output(folder)
    for name, predictions in judgement.predictions.items():
        write_predictions(folder / "predictions" / f"{name}.safetensors", predictions)
    write_json(folder / "judgement.json", judgement.to_json())


def _on_its_own_data(subject: _Subject, given: Dataset | None, *, robust: bool) -> Judgement:
    """Judge a model on what it was trained on and on the test split of that."""
    model = subject.model
    subject.report("loading")
    data, split = reload(subject.origin, model.recipe, given)
    subject.report("scoring")
    said = {
        name: predict_split(model, data.images, data.labels, rows)
        for name, rows in (("train", split.train), ("validation", split.validation))
        if len(rows)
    }
    if subject.run is not None:  # now, so that no test set is opened for a run that cannot be written to
        for name, each in said.items():
            subject.run.write_predictions(name, each)
    opened = open_test(data, subject.runs_root, by=f"judge {subject.origin.name}")
    said["test"] = predict_split(model, opened.images, opened.labels, np.arange(len(opened.labels)))
    scores = {name: score(each, model.class_names) for name, each in said.items()}
    subject.report("baselines")
    simpler = baselines(data, split, opened)
    curves = robustness(model, opened.images, opened.labels, subject.report) if robust else ()
    return Judgement(
        target=subject.origin.name,
        data=data.name,
        on="test",
        splits={name: scores.get(name) for name in SPLITS},
        **check_uncertainty(model, said["test"]),
        baselines=simpler,
        robustness=tuple(curves),
        notes=(
            *notes_on_added(data, opened.images),
            *notes_on(scores["test"]),
            *notes_on_limits(model),
        ),
        openings=opened.openings,
        test_fingerprint=opened.fingerprint,
        evidence=Evidence(
            predictions=said,
            images={name: opened.images if name == "test" else data.images for name in said},
            files={name: data.test.files if name == "test" else data.files for name in said},
        ),
    )


def _on_new_pictures(subject: _Subject, data: Dataset, *, robust: bool) -> Judgement:
    """Judge a model on pictures that its training did not know of."""
    model, name = subject.model, subject.origin.name
    new = open_pictures(model, data, subject.runs_root, by=f"judge {name} on new pictures")
    subject.report("scoring")
    said = predict_split(model, new.images, new.labels, np.arange(len(new.labels)))
    found = score(said, model.class_names)
    told = (note_on_colours(data, model), note_on_copies(new.images, subject.origin, model))
    curves = robustness(model, new.images, new.labels, subject.report) if robust else ()
    return Judgement(
        target=name,
        data=data.name,
        on="new",
        splits={"new": found},
        **check_uncertainty(model, said),
        robustness=tuple(curves),
        notes=(*filter(None, told), *notes_on(found), *notes_on_limits(model)),
        openings=new.opened.openings,
        test_fingerprint=new.opened.fingerprint,
        evidence=Evidence({"new": said}, images={"new": new.images}, files={"new": new.files}),
    )
