"""Export a model: write a draft next to its destination, verify the draft, then move it there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from optotype.data.dataset import Dataset
from optotype.errors import ExportError
from optotype.exporting.exported_model import fold_temperature
from optotype.exporting.formats import Format, find_format
from optotype.exporting.verification import Verification, verification_images, verify
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
    """Export a model to a file for other software, and verify the file before it is saved.

    The file is run on every validation image if the data can be loaded (if the recipe sets no validation images aside,
    on at most 5,000 training images), otherwise on the model's golden images or on 32 synthetic images. Its labels must
    equal the model's (unless the two highest logits differ by less than 1e-5), and its probabilities must not differ
    from the model's by more than 1e-4.

    Args:
        target: A run, a model, or the path of either.
        format: "onnx", "keras", "npz" or "c".
        out: The file to write, with the suffix of the format; an existing file is replaced. For "c" a header with the
            suffix ".h" is written next to it. By default the file is named after the run or model file and is
            written to the current folder.
        data: The data that the model was trained on, if they were in memory.
        report: Called with the result of the verification.

    Returns:
        The file's path.

    Raises:
        ExportError: If the format is unknown, its software is not installed, the file's predictions differ from the
            model's, or the file cannot be written.
        RunError: If the run does not exist or has no model.
        ModelError: If the model file is damaged.
        DataError: If `data` are not the data that the model was trained on.
    """
    chosen = find_format(format)
    opened = open_target(target)
    model = opened.model
    path = Path(f"{opened.name}{chosen.suffixes[0]}") if out is None else Path(out)
    if path.suffix != chosen.suffixes[0]:
        raise ExportError(
            f"The export file is {path}, expected a name that ends in {chosen.suffixes[0]}. Rename it."
        )
    images = verification_images(model, data)
    with _staged(path, chosen) as draft:
        chosen.write(fold_temperature(model), draft)
        verification = verify(model, images, partial(chosen.predict, draft))
    if report is not None:
        report(verification)
    return path


@contextmanager
def _staged(path: Path, chosen: Format) -> Iterator[Path]:
    """Provide the path of a draft in a folder next to the destination; move it there if the block succeeds."""
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
            f"Cannot write {path}: {error.strerror}. Check the folder, its permissions and the free disk space."
        ) from None
