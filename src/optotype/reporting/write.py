"""From a judgement to the two files that people read."""

from pathlib import Path
from typing import Final

from optotype.judging.judgement import Judgement
from optotype.models.model import Model
from optotype.reporting.model_card import render_card
from optotype.reporting.report import render_page
from optotype.runs.files import wrap_os_errors
from optotype.runs.run import Run
from optotype.storage.atomic import write_durably

PAGE: Final = "report.html"
CARD: Final = "MODEL_CARD.md"


def write_report(judgement: Judgement, model: Model, folder: Path, run: Run | None = None) -> Path:
    """Write report.html, which needs no other file and no network, and MODEL_CARD.md.

    Args:
        judgement: What ``judge`` returned; one that was read from a file gives a page without images.
        model: What was judged.
        folder: Where; it must exist.
        run: The run that trained the model, for its curves; None where there is none.

    Returns:
        Where the page is.

    Raises:
        RunError: A file cannot be written, or the run's own are damaged.
    """
    card = render_card(judgement, model)
    page = render_page(judgement, model, run, card)
    for name, text in ((CARD, card), (PAGE, page)):
        with wrap_os_errors(folder / name, "write"):
            # A file name that is no UTF-8 is no reason to have no report.
            write_durably(folder / name, text.encode("utf-8", "replace"))
    return folder / PAGE
