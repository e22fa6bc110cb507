"""Loading recipes: built-in ones and files."""

from pathlib import Path

import pytest

from optotype.errors import RecipeError
from optotype.recipes.builtin import BUILTIN, DEFAULTS, FALLBACK, default_recipe, load_recipe

_VALID = 'layers = [{ type = "Flatten" }]\nepochs = 3\n'


def test_every_recipe_file_is_listed() -> None:
    """The list of built-in recipes has exactly the recipe files of the package."""
    import optotype.recipes.builtin as module

    assert sorted(BUILTIN) == sorted(
        path.stem for path in (Path(module.__file__).parent / "builtin").iterdir()
    )


def test_recipe_file_is_named_after_the_file(tmp_path: Path) -> None:
    """A recipe is named after its file unless the file has a name."""
    path = tmp_path / "mine.toml"
    path.write_text(_VALID)
    assert (load_recipe(path).name, load_recipe(str(path)).epochs) == ("mine", 3)
    path.write_text(_VALID + 'name = "yours"\n')
    assert load_recipe(path).name == "yours"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"epochs = \n", "is not valid TOML: Invalid value (at line 1, column 10)"),
        (b"epochs = 3\nseed = 1\nname = '\xff'\n", ", line 3: byte 0xff is not UTF-8"),
        (b"x = " + b"[" * 100_000, "is nested too deeply"),
        (b"#" * 1_000_001, "has more than 1,000,000 bytes"),
        (b"epochs = 3\n", "The recipe has no 'layers'"),
        (b"layers = []\nepoch = 3\n", "Unknown recipe key 'epoch'. Did you mean 'epochs'?"),
        (b"seed = " + b"9" * 5000, "is not valid TOML"),
    ],
)
def test_invalid_recipe_file_raises_recipe_error(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is not a recipe raises a RecipeError that names the file, and the line if there is one."""
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as excinfo:
        load_recipe(path)
    assert str(path) in str(excinfo.value)
    assert message in str(excinfo.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnist-quik", "Unknown recipe 'mnist-quik'. Did you mean 'mnist-quick'? Known: cnn-large"),
        ("missing.toml", "Cannot read the recipe missing.toml: No such file"),
        ("null\0.toml", "embedded null byte"),
        ("x" * 300 + ".toml", "Cannot read the recipe"),
        (Path("/"), "/ is not a regular file"),
        (Path("/dev/null"), "/dev/null is not a regular file"),
    ],
)
def test_missing_recipe_raises_recipe_error(name: str | Path, message: str) -> None:
    """A missing recipe, or a path that is not a file, raises a RecipeError that names it."""
    with pytest.raises(RecipeError) as excinfo:
        load_recipe(name)
    assert message in str(excinfo.value)


def test_default_recipe() -> None:
    """MNIST has its own recipe; other data sets have the fallback, with more epochs for fewer images."""
    assert default_recipe("mnist", 60_000) == load_recipe(DEFAULTS["mnist"])
    fallback = default_recipe("my-pictures", 10_000)
    assert (fallback.name, fallback.epochs) == (FALLBACK, 20)
    assert default_recipe("my-pictures", 50_000) == load_recipe(FALLBACK)
    assert default_recipe("my-pictures", 30).epochs == 60
