"""Generates the type stub of the native module from the installed module, or checks that the stub is current.

`python -m checks.stub` compares, and `python -m checks.stub --write` writes. nanobind generates the stub from the
signatures and docstrings in csrc/bindings.cpp; ruff formats it.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from nanobind.stubgen import StubGen

from optotype.engine import _core

STUB: Final = Path(__file__).parents[1] / "src/optotype/engine/_core.pyi"
HEADER: Final = "# Generated from csrc/bindings.cpp by `make format`. Do not edit.\n# ruff: noqa\n"


def generate() -> str:
    """Return the stub of the native module as it is installed."""
    generator = StubGen(_core)
    generator.put(_core)
    ruff = Path(sys.executable).with_name("ruff")
    command = [ruff, "format", "--stdin-filename", STUB, "-"]
    source = HEADER + generator.get()
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


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
