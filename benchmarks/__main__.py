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
    wanted = [name for name in arguments.only if arguments.again or read(name, folder) is None]
    if wanted:
        # In registry order, each once.
        environments.make(dict.fromkeys(each for name in wanted for each in LINES[name].environments))
        measure(wanted, QUICK if arguments.quick else FULL, folder)
    if arguments.quick:
        write_page(folder, folder / "RESULTS.md")
        write_chart(folder, folder / "times.svg")
    else:
        write_page()
        write_chart()


def measure(wanted: list[str], effort: Effort, folder: Path) -> None:
    """Measure lines one after the other, saving each as soon as it is complete."""
    for place, name in enumerate(wanted):
        left = sum(LINES[each].minutes for each in wanted[place:])
        print(f"[{place + 1}/{len(wanted)}] {LINES[name].title}; about {left:.0f} min left", flush=True)
        began = time.monotonic()
        found = LINES[name].measure(name, effort)
        save(found, folder)
        for aim in AIMS:
            if aim.line == name:
                print(f"    {aim.text}: {aim.formatted(found)}", flush=True)
        print(f"    took {time.monotonic() - began:.0f} s", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure optotype beside its peers, and render benchmarks/RESULTS.md. What is in"
        " benchmarks/results/ is not measured again, so a stopped measurement goes on where it was.",
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
