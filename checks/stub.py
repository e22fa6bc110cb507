"""Generates the type stub of the native module from the installed module, or checks that the stub is current.

`python -m checks.stub` compares, and `python -m checks.stub --write` writes. nanobind generates the stub from the
signatures and docstrings in csrc/bindings.cpp; ruff formats it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

MODULE: Final = "optotype.engine._core"
STUB: Final = Path(__file__).parents[1] / "src/optotype/engine/_core.pyi"
HEADER: Final = """\
# Generated from csrc/bindings.cpp by `make format`. Do not edit.
# ruff: noqa: C408, D200, D205, D212, ICN001, PYI021
"""


def generate() -> str:
    """Return the stub of the native module as it is installed."""
    with tempfile.TemporaryDirectory() as folder:
        stub = Path(folder) / STUB.name
        _run(sys.executable, "-m", "nanobind.stubgen", "--quiet", "-m", MODULE, "-o", str(stub))
        stub.write_text(HEADER + stub.read_text(encoding="utf-8"), encoding="utf-8")
        _run(sys.executable, "-m", "ruff", "format", "--quiet", "--line-length", "110", str(stub))
        return stub.read_text(encoding="utf-8")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - these are this project's own tools


def main(arguments: list[str]) -> int:
    """Write or compare the stub and return the exit code."""
    stub = generate()
    if "--write" in arguments:
        STUB.write_text(stub, encoding="utf-8")
    elif STUB.read_text(encoding="utf-8") != stub:
        print(f"{STUB.name} differs from the native module, expected them to match: run make format")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
