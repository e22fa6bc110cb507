"""Exporting a model: written beside its place, asked about images, and only then put there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from optotype.data.dataset import Dataset
from optotype.errors import ExportError
from optotype.exporting.content import content_of
from optotype.exporting.formats import Format, find_format
from optotype.exporting.verification import Verification, trial_of, verify
from optotype.models.model import Model
from optotype.runs.run import Run
from optotype.runs.targets import open_target
from optotype.storage.atomic import sync


def export(
    target: Run | Model | str | Path,
    format: str,  # noqa: A002 - the word of the command line
    out: str | Path | None = None,
    *,
    data: Dataset | None = None,
    report: Callable[[Verification], None] | None = None,
) -> Path:
    """Export a model to a file for other software, verified before it is kept.

    The file is asked about every validation image where the data can be loaded (where the recipe kept none, about
    5,000 training images at most), else about the model's golden images or 32 made for it: its labels must be the
    model's (unless the two best logits differ by less than 1e-5), and its probabilities must not differ by more than
    1e-4.

    Args:
        target: A run, a model, or the path of either.
        format: "onnx", "keras", "npz" or "c".
        out: The file, which must end as files of the format do; what is there is replaced. C is two files: the other
            is beside it, ending in ".h". By default it is named after the run or model file, in the working folder.
        data: What the model was trained on, where that was in memory.
        report: Told what the verification came to.

    Returns:
        The file's path.

    Raises:
        ExportError: The format is unknown, its software is not installed, the file says other than the model, or it
            cannot be written.
        RunError: There is no such run, or it kept no model.
        ModelError: The model file is damaged.
        DataError: The data were given, and are not those of the training.
    """
    chosen = find_format(format)
    opened = open_target(target)
    model = opened.model
    path = Path(f"{opened.name}{chosen.suffixes[0]}") if out is None else Path(out)
    if path.suffix != chosen.suffixes[0]:
        raise ExportError(
            f"The file for the export is {path}, expected a name that ends in {chosen.suffixes[0]}. Name it so."
        )
    trial = trial_of(model, data)
    with _staged(path, chosen) as draft:
        chosen.write(content_of(model), draft)
        verification = verify(model, trial, partial(chosen.predict, draft))
    if report is not None:
        report(verification)
    return path


@contextmanager
def _staged(path: Path, chosen: Format) -> Iterator[Path]:
    """Give a place for a draft, in a folder beside its end; it goes there when the block ends well."""
    try:
        with TemporaryDirectory(dir=path.parent, prefix=".optotype-export-") as folder:
            draft = Path(folder, path.name)
            yield draft
            for suffix in reversed(chosen.suffixes):
                sync(draft.with_suffix(suffix))
                draft.with_suffix(suffix).replace(path.with_suffix(suffix))
        sync(path.parent)
    except OSError as error:
        raise ExportError(
            f"Cannot write {path}: {error.strerror}. Check the folder, its permissions and the disk."
        ) from None
