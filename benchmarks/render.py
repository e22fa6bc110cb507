"""benchmarks/RESULTS.md, a pure function of the files in benchmarks/results/."""

from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.aims import AIMS, Aim
from benchmarks.lines import LINES
from benchmarks.results import FOLDER, Measured, read
from reproduce.results import write_text

PAGE: Final = FOLDER.parent / "RESULTS.md"
_HEADING: Final = """# Benchmarks

Rendered by `make bench` from the files in `benchmarks/results/`, never edited by hand.

On every line, optotype and its peers train or predict with the same network, in one session on one machine: one turn
per side, alternating, while the processes of the others are stopped. The first turn, which compiles and warms up, is
not counted, except on lines about a fresh process. Every peer has all its data in memory in its best format, uses every
core, and runs with its fastest setting; all settings were tried on fewer images, and are listed with the seconds that
all images would take. The tables show medians and ranges. optotype runs with its default settings
(`precision = "auto"`). The limit is the speed of the engine's matrix product in a plain loop, measured before every
round with the same instruction set and precision; the arithmetic of a network counts every product in full.

wrk loads the servers and shares their cores: each of its connections sends the next of 32 MNIST images, as PNG, when
its last request has been answered. A program of our own sends requests at a fixed rate. All servers serve the same
network, one epoch of mnist-quick, and decode with Pillow; the peers predict with ONNX Runtime."""


def write_page(folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Render the page and write it atomically."""
    write_text(render(folder), page)


def render(folder: Path = FOLDER) -> str:
    """Render the page.

    Args:
        folder: The folder of the results; missing results are shown as a dash.

    Returns:
        Markdown.
    """
    found = {name: read(name, folder) for name in LINES}
    sections = [_HEADING, "## Aims", _aims(found), "![Times as fast as the fastest peer](times.svg)"]
    sections += [_section(name, each) for name, each in found.items() if each is not None]
    sections += ["## Machine and versions", _versions([each for each in found.values() if each is not None])]
    return "\n\n".join(sections) + "\n"


def _aims(found: dict[str, Measured | None]) -> str:
    rows = [_aim(aim, found[aim.line]) for aim in AIMS]
    return "\n".join(["| line | aim | measured | reached |", "|---|---|---|---|", *rows])


def _aim(aim: Aim, found: Measured | None) -> str:
    title = LINES[aim.line].title
    if found is None:
        return f"| {title} | {aim.text} | - | - |"
    return f"| {title} | {aim.text} | {aim.formatted(found)} | {'yes' if aim.reached(found) else 'no'} |"


def _section(name: str, found: Measured) -> str:
    parts = [
        f"## {LINES[name].title}",
        _against_peers(name, found) if found.checks else _without_peers(found),
    ]
    if found.tried:
        tried = [f"{side} {_number(value)}" for side, value in sorted(found.tried.items(), key=_by_value)]
        parts.append(f"Settings tried, {found.unit}: {'; '.join(tried)}.")
    parts += [f"Failed: {side}: {error}" for side, error in found.failed.items()]
    return "\n\n".join(parts)


def _by_value(pair: tuple[str, float]) -> float:
    return pair[1]


def _against_peers(name: str, found: Measured) -> str:
    limit = " share of the limit |" if found.flop else ""
    head = f"| side | median, {found.unit} | range | ratio to optotype | {LINES[name].check} |{limit}"
    rows = [_side(side, found) for side in found.values]
    return "\n".join([head, "|---|---|---|---|---|" + ("---|" if found.flop else ""), *rows])


def _side(side: str, found: Measured) -> str:
    ratio = found.median(side) / found.median(found.ours)
    row = f"| {side} | {_spread(found.values[side])} | {ratio:.2f} | {found.checks[side]:g} |"
    if not found.flop:
        return row
    if side not in found.peaks:
        return f"{row} |"
    return f"{row} {found.share(side):.0%} of {median(found.peaks[side]):,.0f} GFLOP/s |"


def _without_peers(found: Measured) -> str:
    rows = [f"| {name} | {_spread(values)} |" for name, values in found.values.items()]
    return "\n".join([f"| | median, {found.unit} | range |", "|---|---|---|", *rows])


def _spread(values: tuple[float, ...]) -> str:
    between = f"{_number(min(values))} to {_number(max(values))}" if len(values) > 1 else ""
    return f"{_number(median(values))} | {between}"


def _number(value: float) -> str:
    """Format three significant digits, without an exponent."""
    digits = f"{value:.3g}"
    return digits if "e" not in digits else f"{value:.7f}".rstrip("0") if abs(value) < 1 else f"{value:,.0f}"


def _versions(found: list[Measured]) -> str:
    """Render the machines and versions of the lines, one line per combination."""
    grouped: dict[str, list[str]] = {}
    for each in found:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(each.versions.items()))
        grouped.setdefault(f"{each.date}, {each.machine}; {versions}", []).append(each.line)
    return (
        "\n".join(f"- {versions}: {', '.join(lines)}" for versions, lines in grouped.items()) or "None yet."
    )
