"""The command line of `python -m benchmarks`: measure what is missing in benchmarks/results/, then render."""

import argparse
import time
from pathlib import Path
from typing import Final

from benchmarks import environments
from benchmarks.aims import AIMS
from benchmarks.chart import write_chart
from benchmarks.lines import LINES
from benchmarks.render import write_page
from benchmarks.results import CACHE, FOLDER, read, save
from benchmarks.timing import FULL, QUICK, Effort

_QUICK: Final = CACHE / "quick"


def main() -> None:
    """Run the lines that the arguments select."""
    arguments = _arguments()
    folder = _QUICK if arguments.quick else FOLDER
    names = [name for name in arguments.only if arguments.again or read(name, folder) is None]
    if names:
        # In registry order, each once.
        environments.make(
            dict.fromkeys(environment for name in names for environment in LINES[name].environments)
        )
        measure(names, QUICK if arguments.quick else FULL, folder)
    if arguments.quick:
        write_page(folder, folder / "RESULTS.md")
        write_chart(folder, folder / "times.svg")
    else:
        write_page()
        write_chart()


def measure(names: list[str], effort: Effort, folder: Path) -> None:
    """Measure lines one after the other, saving each as soon as it is complete."""
    for index, name in enumerate(names):
        minutes_left = sum(LINES[other_name].minutes for other_name in names[index:])
        print(
            f"[{index + 1}/{len(names)}] {LINES[name].title}; about {minutes_left:.0f} min left", flush=True
        )
        start = time.monotonic()
        measured = LINES[name].measure(name, effort)
        save(measured, folder)
        for aim in AIMS:
            if aim.line == name:
                print(f"    {aim.text}: {aim.formatted(measured)}", flush=True)
        print(f"    took {time.monotonic() - start:.0f} s", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure optotype and its peers, and render benchmarks/RESULTS.md. Lines with a result in"
        " benchmarks/results/ are not measured again, so an interrupted measurement continues where it stopped.",
    )
    parser.add_argument("--only", nargs="+", choices=LINES, default=list(LINES), metavar="LINE")
    parser.add_argument("--again", action="store_true", help="repeat measurements that exist")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only check that everything runs, on few images, in build/benchmarks/quick",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
