"""The limits on length: 40 lines per function and 400 per file, in Python and in C++.

A Python function is counted from its `def` to its end without its docstring; a C++ function from its name to its
closing brace. The check prints every function and file that is too long, and the median length.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import lizard

FUNCTION_LINES: Final = 40
FILE_LINES: Final = 400
CPP: Final = (".cpp", ".hpp", ".h")


class Length(NamedTuple):
    """One function or file and its number of lines."""

    location: str
    lines: int


def python_functions(path: Path) -> Iterator[Length]:
    """Count every function and method of a Python file, nested ones too, without docstrings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            yield Length(f"{path}:{node.lineno} {node.name}", lines)


def cpp_functions(path: Path) -> Iterator[Length]:
    """Count every function of a C++ file."""
    for function in lizard.analyze_file(str(path)).function_list:
        yield Length(
            f"{path}:{function.start_line} {function.name}", function.end_line - function.start_line + 1
        )


def sources(folders: list[Path]) -> list[Path]:
    """List the Python and C++ files under the folders."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", *CPP))


def main(folders: list[Path]) -> int:
    """Print every function and file that is too long, and return the exit code."""
    paths = sources(folders)
    files = [Length(str(path), len(path.read_text(encoding="utf-8").splitlines())) for path in paths]
    functions = [
        function
        for path in paths
        for function in (python_functions(path) if path.suffix == ".py" else cpp_functions(path))
    ]
    long = [(length, FUNCTION_LINES) for length in functions if length.lines > FUNCTION_LINES]
    long += [(length, FILE_LINES) for length in files if length.lines > FILE_LINES]
    for length, limit in long:
        print(f"{length.location} has {length.lines} lines, expected at most {limit}: divide it")
    median = statistics.median(function.lines for function in functions) if functions else 0
    print(f"{len(files)} files, {len(functions)} functions, median {median:g} lines, {len(long)} too long")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
