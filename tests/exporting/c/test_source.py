"""C export: strict compilers accept it, sanitizers find nothing, and names cannot end their string literal."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from optotype.errors import ExportError
from optotype.exporting.c.program import build
from optotype.exporting.export import export
from optotype.exporting.verification import synthetic_images
from optotype.models.model import Model
from tests.exporting.samples import CLASSES, untrained

STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
LAYERS: tuple[Layer, ...] = (
    Conv2D(5, (2, 3), "tanh", padding="same"),
    MaxPooling2D((3, 2)),
    BatchNormalization(),
    Conv2D(3, 2),
    Dropout(0.2),
    Flatten(),
    BatchNormalization(),
    Dense(7, "sigmoid"),
    Dense(6, "relu"),
)


@pytest.fixture
def model() -> Model:
    """Return a model with all kinds of layers."""
    return untrained(LAYERS, (11, 9, 2))


def _check_predictions(program: Path, model: Model) -> None:
    images = synthetic_images(model.input_shape)
    result = subprocess.run([program], input=images.tobytes(), capture_output=True, check=True)
    assert result.stderr == b""
    probabilities = np.frombuffer(result.stdout, np.float32).reshape(len(images), -1)
    np.testing.assert_allclose(probabilities, model.predict_proba(images), atol=1e-6)


def test_strict_compilers_accept_it(tmp_path: Path, model: Model) -> None:
    """Every layer compiles as C99 without warnings and computes the model's predictions, also without optimization."""
    path = export(model, "c", tmp_path / "all-layers.c")
    _check_predictions(build(path, tmp_path, [*STRICT, "-Wconversion", "-Wshadow", "-O0"]), model)


def test_sanitizers_find_nothing(tmp_path: Path, model: Model) -> None:
    """There are no invalid memory accesses and no undefined behaviour."""
    path = export(model, "c", tmp_path / "model.c")
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    _check_predictions(build(path, tmp_path, [*STRICT, *sanitizers]), model)


def test_a_network_of_one_layer(tmp_path: Path) -> None:
    """A network of only a head leaves out the second array and compiles without warnings."""
    model = untrained((Flatten(),), (2, 2, 1))
    path = export(model, "c", tmp_path / "model.c")
    _check_predictions(build(path, tmp_path, STRICT), model)


def test_class_names_are_preserved(tmp_path: Path, model: Model) -> None:
    """Quotes, backslashes, trigraphs, comments and any UTF-8 in a class name are preserved."""
    export(model, "c", tmp_path / "model.c")
    (tmp_path / "names.c").write_text(
        '#include <stdio.h>\n#include "model.h"\nint main(void) { int i; for (i = 0; i < OPTOTYPE_CLASSES; i++)'
        " puts(optotype_class_names[i]); return 0; }\n"
    )
    command = ["cc", "-std=c99", *STRICT, "names.c", "model.c", "-lm", "-o", "names"]
    subprocess.run(command, cwd=tmp_path, check=True)
    result = subprocess.run([tmp_path / "names"], capture_output=True, check=True)
    assert tuple(result.stdout.decode().removesuffix("\n").split("\n")) == CLASSES


def test_header_states_the_memory(tmp_path: Path) -> None:
    """The header's comment states the bytes of constants and of static arrays."""
    export(untrained((Flatten(), Dense(7, "relu")), (2, 3, 1)), "c", tmp_path / "model.c")
    text = (tmp_path / "model.h").read_text()
    constants = 4 * (6 * 7 + 7 + 7 * 5 + 5)
    assert f"{constants} bytes of constants, {4 * (6 + 7)} bytes of static arrays" in text


@pytest.mark.parametrize("name", ['a".c', "a b.c", "ä.c", "a\\.c"])
def test_names_with_special_characters_are_errors(tmp_path: Path, model: Model, name: str) -> None:
    """A file name that would need escapes in #include is an error."""
    with pytest.raises(ExportError, match="letters, digits"):
        export(model, "c", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_a_compiler_nothing_is_saved(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing compiler is an error that says how to install one; a compiler's error is an error too."""
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ExportError, match=r"\(no-such-compiler\).*apt-get install gcc"):
        export(model, "c", tmp_path / "model.c")
    monkeypatch.setenv("CC", "false")
    with pytest.raises(ExportError, match="false failed with code 1"):
        export(model, "c", tmp_path / "model.c")
    assert list(tmp_path.iterdir()) == []


def test_compiler_may_have_options(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """CC may contain a command with arguments; it is not run by a shell."""
    monkeypatch.setenv("CC", "cc -Werror -DUNUSED='; touch here'")
    assert export(model, "c", tmp_path / "model.c").exists()
    assert not Path("here").exists()
