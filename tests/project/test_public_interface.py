"""The public interface of the package: its names, and the cost of its import."""

import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Final

import optotype

TOP: Final = Path(__file__).parents[2]


def test_every_name_is_importable() -> None:
    """Every name in `__all__` is unique, can be imported, and is listed by `dir`."""
    assert len(set(optotype.__all__)) == len(optotype.__all__)
    for name in optotype.__all__:
        assert getattr(optotype, name) is not None
        assert name in dir(optotype)


def test_all_public_names_are_exported() -> None:
    """After every name was loaded, all public names of the module are in `__all__` or submodules."""
    for name in optotype.__all__:
        getattr(optotype, name)
    loaded = {name for name, value in vars(optotype).items() if not isinstance(value, types.ModuleType)}
    assert {name for name in loaded if not name.startswith("_")} <= set(optotype.__all__)


def test_unknown_name_raises_attribute_error() -> None:
    """A name that is not exported is an AttributeError, so that `hasattr` works."""
    assert not hasattr(optotype, "no_such_name")


def test_import_is_cheap() -> None:
    """Importing optotype imports no large package."""
    large_packages = (
        "matplotlib",
        "PIL",
        "rich",
        "typer",
        "pydantic",
        "safetensors",
        "sklearn",
        "scipy",
        "jinja2",
    )
    program = f"import sys, optotype; print([name for name in {large_packages} if name in sys.modules])"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_readme_uses_public_names() -> None:
    """Every `ot.name` in the README is exported."""
    names = set(re.findall(r"\bot\.(\w+)", (TOP / "README.md").read_text(encoding="utf-8")))
    assert names
    assert names <= set(optotype.__all__)
