"""`optotype predict`, in this process: what it takes, and every form of its answer."""

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
from tests.cli.conftest import Command, Done
from tests.models.samples import CLASSES, SHAPE, calibrated_model, small_model

Predict = Callable[..., Done]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Write a model that knows its limits, and 70 dark pictures, into the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    rng = np.random.default_rng(1)
    for number in range(70):
        Image.fromarray(rng.integers(0, 64, SHAPE[:2], np.uint8)).save(f"in/{number:02}.png")
    calibrated_model().save("model")
    return calibrated_model()


@pytest.fixture
def predict(model: Model, command: Command) -> Predict:
    """Give a function that predicts with that model."""
    del model

    def call(*arguments: str, model: str = "model") -> Done:
        return command("predict", model, *arguments)

    return call


def test_json_says_what_the_model_says(predict: Predict, model: Model) -> None:
    """Each picture has exactly the probabilities, label set and doubt that `Model.predict` gives it alone."""
    done = predict("in", "--json", "--top", "5")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["bad"] == []
    assert [each["image"] for each in told["predictions"]] == [f"in/{number:02}.png" for number in range(70)]
    for each in told["predictions"]:
        (alone,) = model.predict(each["image"])
        assert each["top"] == [{"label": name, "probability": share} for name, share in alone.top(5)]
        assert (each["label"], each["probability"]) == alone.top(1)[0]
        assert (each["label_set"], each["unknown"]) == (list(alone.label_set or ()), alone.unknown)


def test_a_wider_coverage_gives_wider_sets(predict: Predict, model: Model) -> None:
    """--coverage is that of the label sets; out of range, or without a calibration, it is refused."""
    for coverage in (0.5, 0.999):
        (told,) = json.loads(predict("in/00.png", "--json", "--coverage", str(coverage)).out)["predictions"]
        (alone,) = model.predict("in/00.png", coverage=coverage)
        assert told["label_set"] == list(alone.label_set or ())
    assert told["label_set"] == list(CLASSES)
    assert predict("in/00.png", "--coverage", "1").code == 2
    small_model().save("plain")
    refused = predict("in/00.png", "--coverage", "0.9", model="plain")
    assert refused.code == 1
    assert "no calibration" in refused.err
    assert predict("in/00.png", model="plain").code == 0


def test_csv_and_parquet_have_the_same_rows(predict: Predict) -> None:
    """Both have a row for each picture, with equal values in equal columns."""
    from pyarrow.parquet import read_table

    done = predict("in", "--csv", "--top", "2")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    names = ["image", "label", "probability", "label_2", "probability_2", "label_set", "unknown"]
    assert list(rows[0]) == names
    assert predict("in", "--parquet", "told.parquet", "--top", "2").code == 0
    table = read_table("told.parquet")
    assert table.column_names == names
    for row, other in zip(rows, table.to_pylist(), strict=True):
        assert (row["image"], row["label"], row["label_2"]) == (
            other["image"],
            other["label"],
            other["label_2"],
        )
        assert float(row["probability"]) == other["probability"]
        assert json.loads(row["label_set"]) == other["label_set"]
        assert row["unknown"] == str(other["unknown"]).lower()


def test_no_cell_is_a_formula(predict: Predict) -> None:
    """Names that a spreadsheet would run get an apostrophe; signs and numbers, which it would not, stay as they are."""
    names = ("=cmd()", "+1", "-")
    plain = small_model()
    Model(plain.recipe, SHAPE, names, plain.weights).save("formulas")
    Path("in/00.png").rename("@x.png")
    (row,) = csv.DictReader(io.StringIO(predict("@x.png", "--csv", model="formulas").out))
    assert row["image"] == "'@x.png"
    assert {row["label"], row["label_2"], row["label_3"]} == {"'=cmd()", "+1", "-"}
    assert (row["label_set"], row["unknown"]) == ("", "")


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"], ["--parquet", "told.parquet"]])
def test_bad_pictures_are_listed_and_counted_and_the_others_predicted(
    predict: Predict, form: list[str]
) -> None:
    """In every form the good ones are there, the bad ones are named with their reasons, and the exit code is 1."""
    Path("in/33.png").write_text("no picture")
    done = predict("in", "gone.png", *form)
    assert done.code == 1
    reasons = {
        "in/33.png": "cannot be decoded as an image: its format is not recognised",
        "gone.png": "is not a file; expected an image file",
    }
    if form == ["--json"]:
        told = json.loads(done.out)
        assert {each["image"]: each["reason"] for each in told["bad"]} == reasons
        assert len(told["predictions"]) == 69
        assert done.err == ""
        return
    *lines, count = done.err.splitlines()
    assert lines == [f"{file} {reason}" for file, reason in reasons.items()]
    assert count.startswith("Error: 2 of 71 pictures cannot be used")
    if form == ["--parquet", "told.parquet"]:
        assert Path("told.parquet").exists()
    else:
        assert len(done.out.splitlines()) == 69 + len(form)


def test_a_minus_is_the_standard_input(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are one picture, in its place among others; the same as from the file."""
    with Path("in/03.png").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        lines = predict("in/02.png", "-", "in/03.png").out.splitlines()
    assert [line.split()[0] for line in lines] == ["in/02.png", "-", "in/03.png"]
    assert lines[1].split()[1:] == lines[2].split()[1:]


def test_people_are_told_of_doubts(predict: Predict) -> None:
    """A line has the classes, which it may be, and whether it is unlike the training images; names cannot steer it."""
    Image.new("L", (3, 4), 255).save("in/\x1b[31m.png")
    done = predict("in", "--top", "1", "--coverage", "0.9")
    assert "\x1b" not in done.out
    line = next(line for line in done.out.splitlines() if line.startswith("in/\\x1b[31m.png   "))
    assert line.endswith("unlike the training images")
    assert "may be any of: " in done.out or "may be any class" in done.out


def test_what_the_model_saw_is_drawn(predict: Predict) -> None:
    """--show draws every image that could be used, ten in a row; nothing is drawn where there is none."""
    assert predict("in", "--show", "seen.png").code == 0
    with Image.open("seen.png") as sheet, Image.open("in/69.png") as last:
        assert sheet.height > 7 * 56
        assert last.getpixel((0, 0)) in {color for _, color in sheet.convert("L").getcolors() or ()}
    assert predict("gone.png", "--show", "none.png").code == 1
    assert not Path("none.png").exists()


def test_a_digit_is_fitted_to_a_model_of_digits_only(predict: Predict) -> None:
    """--fit-digit predicts from what `fit_digit` makes of the picture; models of other shapes refuse it."""
    from optotype.data.pictures.digits import fit_digit

    digits = small_model(shape=(28, 28, 1))
    digits.save("digits")
    page = np.full((60, 80), 230, np.uint8)
    page[20:50, 30:36] = 20
    Image.fromarray(page).save("page.png")
    (told,) = json.loads(predict("page.png", "--fit-digit", "--json", model="digits").out)["predictions"]
    assert told["probability"] == digits.predict([fit_digit("page.png")])[0].probability
    refused = predict("in", "--fit-digit")
    assert refused.code == 1
    assert "takes images of 4 x 3 x 1, expected 28 x 28 x 1" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--json", "--csv"], 2, "Give one of them"),
        (["--csv", "--parquet", "x"], 2, "Give one of them"),
        (["--parquet", "nowhere/x"], 1, "nowhere is not a folder"),
        (["--show", "nowhere/x.png"], 1, "nowhere is not a folder"),
    ],
)
def test_outputs_that_cannot_be_are_refused_first(
    predict: Predict, arguments: list[str], code: int, said: str
) -> None:
    """Two forms at once, or a file without a folder, are refused before any picture is looked at."""
    done = predict("gone.png", *arguments)
    assert done.code == code
    assert said in done.out + done.err
    assert "gone.png" not in done.err


def test_parquet_names_the_extra_it_needs(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyArrow the error says what to install, and nothing is written."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = predict("in", "--parquet", "told.parquet")
    assert done.code == 1
    assert "pip install 'optotype[parquet]'" in done.err
    assert not Path("told.parquet").exists()


@pytest.mark.usefixtures("model")
def test_nothing_heavy_is_imported_to_predict() -> None:
    """A fresh process that predicts a picture imports none of the packages that take long to start."""
    heavy = {"scipy", "sklearn", "pandas", "matplotlib", "pyarrow", "jinja2", "cleanlab", "keras", "onnx"}
    program = (
        "import sys\nfrom optotype.cli import main\ntry:\n    main.run(['predict', 'model', 'in/00.png'])\n"
        f"except SystemExit:\n    print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == ["[]"]
