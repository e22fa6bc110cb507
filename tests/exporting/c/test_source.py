"""C: strict compilers accept it, sanitizers find nothing, and no name gets out of its quotes."""

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
    """Make a model of all layers."""
    return untrained(LAYERS, (11, 9, 2))


def _ask(program: Path, model: Model) -> None:
    images = synthetic_images(model.input_shape)
    done = subprocess.run([program], input=images.tobytes(), capture_output=True, check=True)
    assert done.stderr == b""
    answers = np.frombuffer(done.stdout, np.float32).reshape(len(images), -1)
    np.testing.assert_allclose(answers, model.predict_proba(images), atol=1e-6)


def test_strict_compilers_accept_it(tmp_path: Path, model: Model) -> None:
    """Every layer compiles as C99 with all warnings as errors, and computes what the model does, unoptimised too."""
    path = export(model, "c", tmp_path / "all-layers.c")
    _ask(build(path, tmp_path, [*STRICT, "-Wconversion", "-Wshadow", "-O0"]), model)


def test_sanitizers_find_nothing(tmp_path: Path, model: Model) -> None:
    """No memory is touched that is not its own, and nothing undefined is done."""
    path = export(model, "c", tmp_path / "model.c")
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    _ask(build(path, tmp_path, [*STRICT, *sanitizers]), model)


def test_a_network_of_one_layer(tmp_path: Path) -> None:
    """A net that is a head alone leaves its second array unused but for one number, and warns of nothing."""
    model = untrained((Flatten(),), (2, 2, 1))
    path = export(model, "c", tmp_path / "model.c")
    _ask(build(path, tmp_path, STRICT), model)


def test_class_names_are_what_they_were(tmp_path: Path, model: Model) -> None:
    """Quotes, backslashes, trigraphs, comments and any UTF-8 in a class name arrive as they are."""
    export(model, "c", tmp_path / "model.c")
    (tmp_path / "names.c").write_text(
        '#include <stdio.h>\n#include "model.h"\nint main(void) { int i; for (i = 0; i < OPTOTYPE_CLASSES; i++)'
        " puts(optotype_class_names[i]); return 0; }\n"
    )
    words = ["cc", "-std=c99", *STRICT, "names.c", "model.c", "-lm", "-o", "names"]
    subprocess.run(words, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "names"], capture_output=True, check=True)
    assert tuple(done.stdout.decode().removesuffix("\n").split("\n")) == CLASSES


def test_the_header_states_the_memory(tmp_path: Path) -> None:
    """The header's comment counts the bytes of constants and of static arrays."""
    export(untrained((Flatten(), Dense(7, "relu")), (2, 3, 1)), "c", tmp_path / "model.c")
    text = (tmp_path / "model.h").read_text()
    constants = 4 * (6 * 7 + 7 + 7 * 5 + 5)
    assert f"{constants} bytes of constants, {4 * (6 + 7)} bytes of static arrays" in text


@pytest.mark.parametrize("name", ['a".c', "a b.c", "ä.c", "a\\.c"])
def test_names_that_no_source_can_include_are_refused(tmp_path: Path, model: Model, name: str) -> None:
    """A file name that would have to be escaped in #include is refused."""
    with pytest.raises(ExportError, match="expected letters, digits"):
        export(model, "c", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_a_compiler_nothing_is_kept(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be verified is refused, saying how to get a compiler; so is what a compiler refuses."""
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ExportError, match=r"no C compiler \(no-such-compiler\).*apt-get install gcc"):
        export(model, "c", tmp_path / "model.c")
    monkeypatch.setenv("CC", "false")
    with pytest.raises(ExportError, match="false failed with code 1 on the exported C source"):
        export(model, "c", tmp_path / "model.c")
    assert list(tmp_path.iterdir()) == []


def test_the_compiler_may_be_named_with_options(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CC may hold a command with arguments; no shell reads it."""
    monkeypatch.setenv("CC", "cc -Werror -DUNUSED='; touch here'")
    assert export(model, "c", tmp_path / "model.c").exists()
    assert not Path("here").exists()
