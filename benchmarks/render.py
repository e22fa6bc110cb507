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
    results = {name: read(name, folder) for name in LINES}
    sections = [_HEADING, "## Aims", _aims(results), "![Times as fast as the fastest peer](times.svg)"]
    sections += [_section(name, measured) for name, measured in results.items() if measured is not None]
    sections += ["## Machine and versions", _versions(list(filter(None, results.values())))]
    return "\n\n".join(sections) + "\n"


def _aims(results: dict[str, Measured | None]) -> str:
    rows = [_aim(aim, results[aim.line]) for aim in AIMS]
    return "\n".join(["| line | aim | measured | reached |", "|---|---|---|---|", *rows])


def _aim(aim: Aim, measured: Measured | None) -> str:
    title = LINES[aim.line].title
    if measured is None:
        return f"| {title} | {aim.text} | - | - |"
    return (
        f"| {title} | {aim.text} | {aim.formatted(measured)} | {'yes' if aim.reached(measured) else 'no'} |"
    )


def _section(name: str, measured: Measured) -> str:
    parts = [
        f"## {LINES[name].title}",
        _against_peers(name, measured) if measured.checks else _without_peers(measured),
    ]
    if measured.tried:
        tried = [f"{side} {_number(value)}" for side, value in sorted(measured.tried.items(), key=_by_value)]
        parts.append(f"Settings tried, {measured.unit}: {'; '.join(tried)}.")
    parts += [f"Failed: {side}: {error}" for side, error in measured.failed.items()]
    return "\n\n".join(parts)


def _by_value(pair: tuple[str, float]) -> float:
    return pair[1]


def _against_peers(name: str, measured: Measured) -> str:
    limit = " share of the limit |" if measured.flop else ""
    head = f"| side | median, {measured.unit} | range | ratio to optotype | {LINES[name].check} |{limit}"
    rows = [_side(side, measured) for side in measured.values]
    return "\n".join([head, "|---|---|---|---|---|" + ("---|" if measured.flop else ""), *rows])


def _side(side: str, measured: Measured) -> str:
    ratio = measured.median(side) / measured.median(measured.ours)
    row = f"| {side} | {_spread(measured.values[side])} | {ratio:.2f} | {measured.checks[side]:g} |"
    if not measured.flop:
        return row
    if side not in measured.peaks:
        return f"{row} |"
    return f"{row} {measured.share(side):.0%} of {median(measured.peaks[side]):,.0f} GFLOP/s |"


def _without_peers(measured: Measured) -> str:
    rows = [f"| {name} | {_spread(values)} |" for name, values in measured.values.items()]
    return "\n".join([f"| | median, {measured.unit} | range |", "|---|---|---|", *rows])


def _spread(values: tuple[float, ...]) -> str:
    between = f"{_number(min(values))} to {_number(max(values))}" if len(values) > 1 else ""
    return f"{_number(median(values))} | {between}"


def _number(value: float) -> str:
    """Format three significant digits, without an exponent."""
    digits = f"{value:.3g}"
    return digits if "e" not in digits else f"{value:.7f}".rstrip("0") if abs(value) < 1 else f"{value:,.0f}"


def _versions(results: list[Measured]) -> str:
    """Render the machines and versions of the lines, one line per combination."""
    grouped: dict[str, list[str]] = {}
    for measured in results:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(measured.versions.items()))
        grouped.setdefault(f"{measured.date}, {measured.machine}; {versions}", []).append(measured.line)
    return (
        "\n".join(f"- {versions}: {', '.join(lines)}" for versions, lines in grouped.items()) or "None yet."
    )
