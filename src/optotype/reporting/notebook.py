"""How a judgement shows itself in a notebook: the verdict, and the accuracy on each split."""

from html import escape

from optotype.judging.judgement import Judgement
from optotype.reporting.words import verdict


def display(judgement: Judgement) -> str:
    """Give a judgement as HTML.

    Args:
        judgement: Any, with its evidence or without.
    """
    said = "".join(f"<li>{escape(each)}</li>" for each in verdict(judgement))
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{score.n:,}</td><td>{score.accuracy}</td><td>{score.f1}</td></tr>"
        for name, score in judgement.splits.items()
        if score is not None
    )
    head = "".join(f"<th>{each}</th>" for each in ("split", "images", "accuracy", "macro F1"))
    title = f"<p><strong>{escape(judgement.target)} on {escape(judgement.data)}</strong></p>"
    return f"{title}<ul>{said}</ul><table><tr>{head}</tr>{rows}</table>"
