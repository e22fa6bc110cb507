"""The include directions of the C++ engine: each folder of csrc includes only the folders that it may depend on."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "kernels": frozenset({"kernels"}),
    "threads": frozenset({"threads", "kernels"}),
    "tensor": frozenset({"tensor", "kernels"}),
    "layers": frozenset({"layers", "tensor", "kernels"}),
    "network": frozenset({"network", "layers", "threads", "tensor", "kernels"}),
    "tests": frozenset({"tests", "network", "layers", "threads", "tensor", "kernels"}),
}
"""Folder of csrc -> the folders that its files may include. bindings.cpp may include all of them."""
SUFFIXES: Final = (".cpp", ".hpp", ".h")
_INCLUDE: Final = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def included_folders(path: Path) -> Iterator[str]:
    """Return the top folder of every quoted include of a file; one without a folder is in the file's own folder."""
    for included in _INCLUDE.findall(path.read_text(encoding="utf-8")):
        if "/" in included:
            yield included.split("/")[0]


def find_violations(root: Path) -> Iterator[str]:
    """Return a message for each include that is not allowed, and for each folder without a rule.

    Args:
        root: The folder of the C++ sources.
    """
    for path in sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES):
        relative = path.relative_to(root)
        if len(relative.parts) == 1:
            continue
        folder = relative.parts[0]
        if folder not in ALLOWED:
            yield f"{relative}: folder {folder} has no rule, expected one of {', '.join(ALLOWED)}: add it to ALLOWED"
            continue
        for target in included_folders(path):
            if target not in ALLOWED[folder]:
                allowed = ", ".join(sorted(ALLOWED[folder]))
                yield f"{relative} includes {target}/, expected only {allowed}: move the code or reverse the dependency"


def main(roots: list[Path]) -> int:
    """Print every violation and return the exit code."""
    violations = [message for root in roots for message in find_violations(root)]
    for message in violations:
        print(message)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
