"""The check of lengths."""

from pathlib import Path

import pytest

from checks.lengths import main

CPP = "int f(int x) {\n" + "    x += 1;\n" * 38 + "    return x;\n}\n"


def function_source(statements: int, docstring: int = 0) -> str:
    """Return the source of a function with a docstring and a number of statements."""
    text = f'    """{"x" + chr(10) * (docstring - 1)}"""\n' if docstring else ""
    return "def f():\n" + text + "    x = 1\n" * statements


@pytest.mark.parametrize(
    ("name", "text", "violations"),
    [
        ("a.py", function_source(39), 0),
        ("a.py", function_source(40), 1),
        ("a.py", function_source(39, docstring=30), 0),
        ("a.py", function_source(40, docstring=30), 1),
        ("a.py", "x = 1\n" * 400, 0),
        ("a.py", "x = 1\n" * 401, 1),
        ("a.cpp", CPP.replace("    x += 1;\n", "", 1), 0),
        ("a.cpp", CPP, 1),
        ("a.hpp", CPP, 1),
        ("a.txt", "x\n" * 500, 0),
    ],
)
def test_long_functions_and_files_are_reported(tmp_path: Path, name: str, text: str, violations: int) -> None:
    """Functions above 40 lines (docstrings apart) and files above 400 fail the check, and nothing else does."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert main([tmp_path]) == violations
