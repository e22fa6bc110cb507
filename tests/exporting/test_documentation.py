"""The examples in docs/exports.md work."""

import contextlib
import io
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from optotype.engine.layers import Dense, Flatten
from optotype.exporting.export import export
from optotype.exporting.verification import synthetic_images
from tests.exporting.samples import untrained

TEXT = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
MODEL = untrained((Flatten(), Dense(8, "tanh")), (5, 4, 1))


def _example(heading: str, language: str) -> str:
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (example,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(example)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(("heading", "name"), [("ONNX", "model.onnx"), ("Keras", "model.keras")])
def test_python_examples_compute_the_probabilities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heading: str, name: str
) -> None:
    """With the file that they name and `images`, their `probabilities` are the model's."""
    export(MODEL, heading.lower(), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"images": synthetic_images(MODEL.input_shape)}
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(_example(heading, "python"), "exports.md", "exec"), names)  # noqa: S102 - our own example
    expected = MODEL.predict_proba(synthetic_images(MODEL.input_shape))
    np.testing.assert_allclose(np.asarray(names["probabilities"]), expected, atol=1e-6)
    if heading == "ONNX":
        assert output.getvalue() == f"{MODEL.class_names[expected[0].argmax()]}\n"


def test_c_example_prints_the_probabilities(tmp_path: Path) -> None:
    """Compiled with the file that it names, the example prints each class with its probability."""
    export(MODEL, "c", tmp_path / "model.c")
    main = "\nint main(void) { static const uint8_t image[20] = {255, 255}; show(image); return 0; }\n"
    (tmp_path / "example.c").write_text(_example("C", "c") + main, encoding="utf-8")
    command = [
        "cc",
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "example.c",
        "model.c",
        "-lm",
        "-o",
        "example",
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    result = subprocess.run([tmp_path / "example"], capture_output=True, text=True, check=True)
    image = np.array([255, 255] + [0] * 18, np.uint8).reshape(1, 5, 4, 1)
    expected = zip(MODEL.class_names, MODEL.predict_proba(image)[0], strict=True)
    assert result.stdout == "".join(f"{name} {probability:.4f}\n" for name, probability in expected)
