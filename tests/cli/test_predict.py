"""`optotype predict` in this process: its inputs and all its output formats."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from optotype.models.model import Model
from tests.cli.conftest import Command, Result
from tests.models.samples import CLASSES, SHAPE, calibrated_model, small_model

Predict = Callable[..., Result]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Write a model with calibration and novelty detection, and 70 dark images, into the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    rng = np.random.default_rng(1)
    for number in range(70):
        Image.fromarray(rng.integers(0, 64, SHAPE[:2], np.uint8)).save(f"in/{number:02}.png")
    calibrated_model().save("model")
    return calibrated_model()


@pytest.fixture
def predict(model: Model, command: Command) -> Predict:
    """Return a function that predicts with that model."""
    del model

    def call(*arguments: str, model: str = "model") -> Result:
        return command("predict", model, *arguments)

    return call


def test_json_equals_the_models_predictions(predict: Predict, model: Model) -> None:
    """Probabilities, label set and novelty of each image equal those of `Model.predict` on that image alone."""
    result = predict("in", "--json", "--top", "5")
    assert (result.code, result.err) == (0, "")
    output = json.loads(result.out)
    assert output["bad"] == []
    images = [prediction["image"] for prediction in output["predictions"]]
    assert images == [f"in/{number:02}.png" for number in range(70)]
    for prediction in output["predictions"]:
        (expected,) = model.predict(prediction["image"])
        top = [{"label": name, "probability": probability} for name, probability in expected.top(5)]
        assert prediction["top"] == top
        assert (prediction["label"], prediction["probability"]) == expected.top(1)[0]
        assert prediction["label_set"] == list(expected.label_set or ())
        assert prediction["unknown"] == expected.unknown


def test_higher_coverage_gives_larger_label_sets(predict: Predict, model: Model) -> None:
    """--coverage sets the coverage of label sets; a value out of range or a model without calibration is an error."""
    for coverage in (0.5, 0.999):
        output = predict("in/00.png", "--json", "--coverage", str(coverage)).out
        (prediction,) = json.loads(output)["predictions"]
        (expected,) = model.predict("in/00.png", coverage=coverage)
        assert prediction["label_set"] == list(expected.label_set or ())
    assert prediction["label_set"] == list(CLASSES)
    assert predict("in/00.png", "--coverage", "1").code == 2
    small_model().save("plain")
    rejected = predict("in/00.png", "--coverage", "0.9", model="plain")
    assert rejected.code == 1
    assert "calibration" in rejected.err
    assert predict("in/00.png", model="plain").code == 0


def test_csv_and_parquet_have_the_same_rows(predict: Predict) -> None:
    """Both have one row per image, with equal values in equal columns."""
    from pyarrow.parquet import read_table

    result = predict("in", "--csv", "--top", "2")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    names = ["image", "label", "probability", "label_2", "probability_2", "label_set", "unknown"]
    assert list(rows[0]) == names
    assert predict("in", "--parquet", "out.parquet", "--top", "2").code == 0
    table = read_table("out.parquet")
    assert table.column_names == names
    for csv_row, row in zip(rows, table.to_pylist(), strict=True):
        for name in ("image", "label", "label_2"):
            assert csv_row[name] == row[name]
        assert float(csv_row["probability"]) == row["probability"]
        assert json.loads(csv_row["label_set"]) == row["label_set"]
        assert csv_row["unknown"] == str(row["unknown"]).lower()


def test_csv_contains_no_formulas(predict: Predict) -> None:
    """Names that a spreadsheet would run as formulas get an apostrophe; signs and numbers stay unchanged."""
    names = ("=cmd()", "+1", "-")
    plain = small_model()
    Model(plain.recipe, SHAPE, names, plain.weights).save("formulas")
    Path("in/00.png").rename("@x.png")
    (row,) = csv.DictReader(io.StringIO(predict("@x.png", "--csv", model="formulas").out))
    assert row["image"] == "'@x.png"
    assert {row["label"], row["label_2"], row["label_3"]} == {"'=cmd()", "+1", "-"}
    assert (row["label_set"], row["unknown"]) == ("", "")


@pytest.mark.parametrize("format_arguments", [[], ["--csv"], ["--json"], ["--parquet", "out.parquet"]])
def test_bad_images_are_listed_and_the_others_predicted(
    predict: Predict, format_arguments: list[str]
) -> None:
    """In every format the good images are predicted, bad ones are listed with the reason, and the exit code is 1."""
    Path("in/33.png").write_text("no picture")
    result = predict("in", "gone.png", *format_arguments)
    assert result.code == 1
    bad_files = ["in/33.png", "gone.png"]
    if format_arguments == ["--json"]:
        output = json.loads(result.out)
        assert [image["image"] for image in output["bad"]] == bad_files
        assert all(image["reason"] for image in output["bad"])
        assert len(output["predictions"]) == 69
        assert result.err == ""
        return
    first, second, count = result.err.splitlines()
    assert [first.partition(" ")[0], second.partition(" ")[0]] == bad_files
    assert first.partition(" ")[2]
    assert second.partition(" ")[2]
    assert count.startswith("Error: 2 of 71 images cannot be used")
    if format_arguments == ["--parquet", "out.parquet"]:
        assert Path("out.parquet").exists()
    else:
        assert len(result.out.splitlines()) == 69 + len(format_arguments)


def test_minus_means_standard_input(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes on standard input are one image among others, with the same prediction as the file."""
    with Path("in/03.png").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        lines = predict("in/02.png", "-", "in/03.png").out.splitlines()
    assert [line.split()[0] for line in lines] == ["in/02.png", "-", "in/03.png"]
    assert lines[1].split()[1:] == lines[2].split()[1:]


def test_lines_contain_the_uncertainty(predict: Predict) -> None:
    """A line has the classes, the label set and whether the image is novel; file names cannot control the terminal."""
    Image.new("L", (3, 4), 255).save("in/\x1b[31m.png")
    result = predict("in", "--top", "1", "--coverage", "0.9")
    assert "\x1b" not in result.out
    line = next(line for line in result.out.splitlines() if line.startswith("in/\\x1b[31m.png   "))
    assert line.endswith("novel: unlike the training images")
    assert "label set: " in result.out


def test_show_draws_the_input_images(predict: Predict) -> None:
    """--show draws all good images, ten per row; without a good image there is no file."""
    assert predict("in", "--show", "seen.png").code == 0
    with Image.open("seen.png") as sheet, Image.open("in/69.png") as last:
        assert sheet.height > 7 * 56
        assert last.getpixel((0, 0)) in {color for _, color in sheet.convert("L").getcolors() or ()}
    assert predict("gone.png", "--show", "none.png").code == 1
    assert not Path("none.png").exists()


def test_fit_digit_requires_a_model_of_digits(predict: Predict) -> None:
    """--fit-digit predicts on the result of `fit_digit`; a model with another input shape is an error."""
    from optotype.data.pictures.digits import fit_digit

    digits = small_model(shape=(28, 28, 1))
    digits.save("digits")
    page = np.full((60, 80), 230, np.uint8)
    page[20:50, 30:36] = 20
    Image.fromarray(page).save("page.png")
    output = predict("page.png", "--fit-digit", "--json", model="digits").out
    (prediction,) = json.loads(output)["predictions"]
    assert prediction["probability"] == digits.predict([fit_digit("page.png")])[0].probability
    rejected = predict("in", "--fit-digit")
    assert rejected.code == 1
    assert "4 x 3 x 1, expected 28 x 28 x 1" in rejected.err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--json", "--csv"], 2, "--json, --csv, --parquet"),
        (["--csv", "--parquet", "x"], 2, "--json, --csv, --parquet"),
        (["--parquet", "nowhere/x"], 1, "nowhere is not a folder"),
        (["--show", "nowhere/x.png"], 1, "nowhere is not a folder"),
    ],
)
def test_invalid_outputs_are_rejected_first(
    predict: Predict, arguments: list[str], code: int, text: str
) -> None:
    """Two formats at once, or a file in a missing folder, are errors before any image is read."""
    result = predict("gone.png", *arguments)
    assert result.code == code
    assert text in result.out + result.err
    assert "gone.png" not in result.err


def test_parquet_without_pyarrow_is_an_error(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyArrow the error names the command that installs it, and nothing is written."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = predict("in", "--parquet", "out.parquet")
    assert result.code == 1
    assert "pip install 'optotype[parquet]'" in result.err
    assert not Path("out.parquet").exists()


@pytest.mark.usefixtures("model")
def test_predict_imports_nothing_heavy() -> None:
    """A new process that predicts an image imports none of the packages that are slow to import."""
    heavy = {"scipy", "sklearn", "pandas", "matplotlib", "pyarrow", "jinja2", "cleanlab", "keras", "onnx"}
    program = (
        "import sys\nfrom optotype.cli import main\ntry:\n    main.run(['predict', 'model', 'in/00.png'])\n"
        f"except SystemExit:\n    print(sorted({heavy} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[1:] == ["[]"]
