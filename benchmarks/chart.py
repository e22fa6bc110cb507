"""benchmarks/times.svg: the speed ratio of optotype on each line with an aim against a peer, and the aim."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.aims import AIMS
from benchmarks.lines import LINES
from benchmarks.results import FOLDER, read

PICTURE: Final = FOLDER.parent / "times.svg"


def write_chart(folder: Path = FOLDER, picture: Path = PICTURE) -> None:
    """Draw the chart and write it atomically."""
    bars = []
    for aim in AIMS:
        measured = read(aim.line, folder)
        if measured is not None and aim.format.endswith("times") and measured.checks:
            # The two aims of one line are labelled with their peers.
            peer = aim.text.split(" as fast as ")[1]
            bars.append((f"{LINES[aim.line].title}\nagainst {peer}", aim.value(measured), aim.bound))
    figure = Figure(figsize=(9, 1 + 0.5 * len(bars)), layout="constrained")
    axes = figure.subplots()
    positions = range(len(bars))
    axes.barh(positions, [value for _, value, _ in bars], color="#4477aa", height=0.6)
    axes.plot([bound for _, _, bound in bars], positions, "|", color="#cc3311", markersize=16, label="aim")
    for position, (_, value, _) in enumerate(bars):
        axes.text(value, position, f" {value:.1f}", va="center", fontsize=8)
    axes.axvline(1, color="#999999", linewidth=0.8)
    axes.set_yticks(list(positions), [label for label, _, _ in bars], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as the peer")
    axes.legend(loc="lower right")
    written = picture.with_name(f".{picture.name}")
    # No date and a fixed hash salt, so that the same results give the same file.
    with mpl.rc_context({"svg.hashsalt": "optotype"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    written.replace(picture)
