"""Writes a judgement as the two files that people read: the report and the model card."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from optotype.errors import RunError
from optotype.reporting.model_card import render_card
from optotype.reporting.report import render_report
from optotype.storage.atomic import write_durably

if TYPE_CHECKING:
    from optotype.judging.judgement import Judgement
    from optotype.models.model import Model
    from optotype.runs.run import Run

PAGE: Final = "report.html"
CARD: Final = "MODEL_CARD.md"


def write_report(judgement: "Judgement", model: "Model", folder: Path, run: "Run | None" = None) -> Path:
    """Write report.html, which needs no other file and no network, and MODEL_CARD.md.

    Args:
        judgement: The judgement that ``judge`` returned; one that was read from a file gives a page without images.
        model: The judged model.
        folder: Folder of the two files; it must exist.
        run: The run that trained the model, for its curves; None if there is none.

    Returns:
        Path of the page.

    Raises:
        RunError: If a file cannot be written, or the files of the run are damaged.
    """
    card = render_card(judgement, model)
    page = render_report(judgement, model, run, card)
    for name, text in ((CARD, card), (PAGE, page)):
        # File names that are not UTF-8 must not prevent a report.
        _write(folder / name, text.encode("utf-8", "replace"))
    return folder / PAGE


def _write(path: Path, content: bytes) -> None:
    try:
        write_durably(path, content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(
            f"Cannot write {path}: {reason}. Check the folder, its permissions and the disk."
        ) from None
