"""What programs ask under /v1, and what they hear."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from optotype.engine.layers import Flatten
from optotype.errors import DataError
from optotype.models.prediction import Prediction
from optotype.runs.run import Run
from optotype.web.app import make_app
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.exporting.samples import untrained
from tests.web.samples import as_file, images

PNG = {"Content-Type": "image/png"}
JSON = {"Content-Type": "application/json"}
RAW = {"Content-Type": "application/octet-stream"}


def _asked(client: TestClient, body: bytes, headers: dict[str, str], **query: object) -> list[dict[str, Any]]:
    answer = client.post(
        "/v1/predict", content=body, headers=headers, params={k: str(v) for k, v in query.items()}
    )
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["predictions"]
    return told


def _assert_says(told: dict[str, Any], prediction: Prediction) -> None:
    assert told["label"] == prediction.label
    assert told["probability"] == pytest.approx(prediction.probability, abs=1e-6)
    assert [each["label"] for each in told["top"]] == [label for label, _ in prediction.top(len(told["top"]))]
    assert told["label_set"] == list(prediction.label_set or ())
    assert told["unknown"] is prediction.unknown


def test_every_kind_of_body_gets_what_the_model_says(client: TestClient, run: Run) -> None:
    """A picture, a form, Base64 and lists in JSON, and raw pixels of both types say what Model.predict says."""
    some = images(3)
    expected = run.model.predict(some)
    files = [as_file(image) for image in some]
    lists = {"images": [some[0].tolist(), some[1, ..., 0].tolist(), some[2].ravel().tolist()]}
    mixed = {"images": [base64.b64encode(files[0]).decode(), some[1].tolist(), some[2].tolist()]}
    floats = (some / np.float32(255)).astype("<f4")
    numbers = {"images": floats.tolist(), "dtype": "float32"}
    form = client.post("/v1/predict", files=[("images", (f"{i}.png", file)) for i, file in enumerate(files)])
    for told in (
        [_asked(client, file, PNG)[0] for file in files],
        form.json()["predictions"],
        _asked(client, json.dumps(lists).encode(), JSON),
        _asked(client, json.dumps(mixed).encode(), JSON),
        _asked(client, json.dumps(numbers).encode(), JSON),
        _asked(client, some.tobytes(), RAW),
        _asked(client, floats.tobytes(), RAW, dtype="float32"),
    ):
        assert len(told) == 3
        for each, prediction in zip(told, expected, strict=True):
            _assert_says(each, prediction)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_a_picture_of_another_size_and_format_is_read_as_everywhere(
    client: TestClient, run: Run, kind: str
) -> None:
    """What Model.predict says of a colour picture's bytes, the server says, whatever image type the client names."""
    colour = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    file = as_file(colour, kind)
    (told,) = _asked(client, file, PNG)
    _assert_says(told, run.model.predict(file)[0])


def test_many_images_are_answered_in_their_order(client: TestClient, run: Run) -> None:
    """More images than a batch takes come back in the order they were sent, as predicted at once."""
    some = images(150)
    told = _asked(client, some.tobytes(), RAW, top=10)
    for each, prediction in zip(told, run.model.predict(some), strict=True):
        _assert_says(each, prediction)


def test_the_picture_that_the_model_saw_comes_back(client: TestClient) -> None:
    """With seen=true the answer holds the very pixels, as a PNG that can be sent again; without, none."""
    (told,) = _asked(client, as_file(images(1)[0]), PNG, seen="true")
    head, _, content = told["seen"].partition(",")
    assert head == "data:image/png;base64"
    (again,) = _asked(client, base64.b64decode(content), PNG)
    (twice,) = _asked(client, json.dumps({"images": [told["seen"]]}).encode(), JSON)
    assert (again["probability"], again["seen"]) == (told["probability"], None)
    assert twice == again


def test_a_digit_is_fitted_where_that_is_asked(client: TestClient, run: Run) -> None:
    """fit=digit predicts from what fit_digit makes of the picture."""
    from optotype.data.pictures.digits import fit_digit

    drawn = np.zeros((200, 100, 1), np.uint8)
    drawn[30:170, 40:60] = 255
    (told,) = _asked(client, as_file(drawn), PNG, fit="digit")
    _assert_says(told, run.model.predict(fit_digit(drawn)[np.newaxis])[0])


def test_a_smaller_coverage_gives_no_larger_sets(client: TestClient, run: Run) -> None:
    """Coverage decides the label sets, as in Model.predict."""
    noise = np.random.default_rng(3).integers(0, 256, (20, 28, 28, 1), np.uint8)
    for coverage in (0.5, 0.9, 0.999):
        told = _asked(client, noise.tobytes(), RAW, coverage=coverage)
        expected = run.model.predict(noise, coverage=coverage)
        assert [each["label_set"] for each in told] == [list(each.label_set or ()) for each in expected]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("fit=round", "fit"),
        ("top=0", "top"),
        ("coverage=1", "coverage"),
        ("coverage=nan", "coverage"),
        ("dtype=int8", "dtype"),
        ("seen=perhaps", "seen"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(client: TestClient, query: str, said: str) -> None:
    """A query that cannot be meant is answered by 422 and a sentence with its name."""
    answer = client.post(f"/v1/predict?{query}", content=as_file(images(1)[0]), headers=PNG)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert f"'{said}'" in answer.json()["detail"]


def test_a_kind_of_body_that_is_not_taken_is_named(client: TestClient) -> None:
    """What curl sends by itself is answered by 415, and how to say what it is."""
    answer = client.post(
        "/v1/predict", content=b"x", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 415
    assert "-H 'Content-Type: image/png'" in answer.json()["detail"]
    answer = client.post("/v1/predict")
    assert answer.status_code == 415
    assert "The Content-Type is not given, expected" in answer.json()["detail"]


def test_a_form_whose_part_is_no_file_is_explained(client: TestClient) -> None:
    """Who forgets curl's @ sends a field of a form, and is told of the @."""
    answer = client.post("/v1/predict", files={"images": (None, "seven.png")})
    assert answer.status_code == 422
    assert "-F images=@seven.png" in answer.json()["detail"]


def test_a_picture_that_is_alone_has_no_number(client: TestClient) -> None:
    """What is wrong with one picture is said of "The image"; of several the one is numbered."""
    files = [("images", ("a.png", as_file(images(1)[0]))), ("images", ("b.png", b"no picture"))]
    alone = client.post("/v1/predict", content=b"no picture", headers=PNG).json()["detail"]
    several = client.post("/v1/predict", files=files).json()["detail"]
    assert alone.startswith("The image cannot be read")
    assert several.startswith("Image 1 cannot be read")


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready"])
def test_whether_it_is_there_can_be_asked_with_head(client: TestClient, path: str) -> None:
    """HEAD says what GET says, without its content: monitors ask so."""
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == client.get(path).headers["content-type"]


def test_the_model_tells_about_itself(client: TestClient, run: Run) -> None:
    """/v1/model names the model, its classes, its shape and how often it was right, and leads to no path."""
    told = client.get("/v1/model").json()
    assert told["class_names"] == list(run.model.class_names)
    assert told["input_shape"] == [28, 28, 1]
    assert told["parameters"] == 784 * 32 + 32 + 32 * 10 + 10
    assert (told["name"], told["run"], told["data"]) == ("small", "run", "patterns")
    assert (told["label_sets"], told["rejects"], told["drawing_fit"]) == (True, True, "digit")
    accuracy = told["accuracy"]
    assert (accuracy["split"], accuracy["n"]) == ("validation", 200)
    assert 0 < accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert str(run.path.parent) not in json.dumps(told)


def test_an_answer_is_explained(client: TestClient, run: Run) -> None:
    """/v1/explain gives what the library gives: a value for each pixel, and training images of the class."""
    from optotype.explaining.occlusion import occlusion

    (image,) = images(1)
    similar: dict[str, Any] = {"images": []}
    while not similar["images"]:
        told = client.post("/v1/explain", content=as_file(image), headers=PNG).json()
        similar = told["similar"]
        assert similar["images"] or "still" in similar["note"]
    expected = occlusion(run.model, image)
    assert told["occlusion"]["label"] == told["prediction"]["label"] == expected.label == "0"
    np.testing.assert_allclose(told["occlusion"]["drops"], expected.attribution, atol=1e-4)
    assert {each["label"] for each in similar["images"]} == {"0"}
    distances = [each["distance"] for each in similar["images"]]
    assert distances == sorted(distances)
    assert client.get("/v1/model").json()["similar"] == "ready"


def test_a_model_file_alone_has_no_similar_images(run: Run, tmp_path: Path) -> None:
    """Without the run folder an answer is explained by occlusion alone, and a note says why."""
    alone = tmp_path / "alone.safetensors"
    run.model.save(alone)
    with TestClient(make_app(Service(alone, Limits()), "127.0.0.1"), base_url="http://127.0.0.1") as client:
        told = client.post("/v1/explain", content=as_file(images(1)[0]), headers=PNG).json()
        about = client.get("/v1/model").json()
    assert told["similar"]["images"] == []
    assert "run folder" in told["similar"]["note"]
    assert (about["run"], about["accuracy"], about["similar"]) == (None, None, "absent")


def test_one_image_is_explained_at_a_time(client: TestClient) -> None:
    """Two images in one request for an explanation are refused."""
    answer = client.post("/v1/explain", content=images(2).tobytes(), headers=RAW)
    assert answer.status_code == 422
    assert "2 images, expected one" in answer.json()["detail"]


def test_too_many_images_are_refused(run: Run) -> None:
    """A request of more images than the limit is refused with the limit, in each kind of body that can hold many."""
    service = Service(run.path, Limits(images=2))
    some = images(3)
    files = [("images", ("a.png", as_file(image))) for image in some]
    lists = json.dumps({"images": some.tolist()}).encode()
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        answers = [
            client.post("/v1/predict", content=some.tobytes(), headers=RAW),
            client.post("/v1/predict", content=lists, headers=JSON),
            client.post("/v1/predict", files=files),
        ]
    assert [answer.status_code for answer in answers] == [413, 413, 413]
    assert all("2" in answer.json()["detail"] for answer in answers)


def test_a_picture_of_too_many_pixels_is_refused(run: Run) -> None:
    """The limit of a picture's pixels is known from its header."""
    service = Service(run.path, Limits(pixels=1000))
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        good = client.post("/v1/predict", content=as_file(images(1)[0]), headers=PNG)
        bad = client.post("/v1/predict", content=as_file(np.zeros((40, 30, 3), np.uint8)), headers=PNG)
    assert good.status_code == 200
    assert bad.status_code == 422
    assert "30 x 40 pixels; expected at most 1000" in bad.json()["detail"]


def test_a_correction_is_kept_as_the_model_sees_it(run: Run, tmp_path: Path) -> None:
    """A corrected picture lies in the folder, under its label, and its pixels are those that the model saw."""
    service = Service(run.path, Limits(), tmp_path / "kept")
    (image,) = images(1)
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        kept = client.post("/v1/corrections?label=7", content=as_file(image), headers=PNG)
        again = client.post("/v1/corrections?label=3", content=as_file(image), headers=PNG)
        unknown = client.post("/v1/corrections?label=../7", content=as_file(image), headers=PNG)
        about = client.get("/v1/model").json()
    assert (kept.status_code, again.status_code, unknown.status_code) == (201, 201, 422)
    told = again.json()
    assert (told["count"], told["folder"]) == (1, str(tmp_path / "kept")) == (1, about["collect"])
    with Image.open(tmp_path / "kept" / told["file"]) as picture:
        np.testing.assert_array_equal(np.asarray(picture), image[..., 0])
    assert told["file"].startswith("3/")
    assert about["source"] == run.data.source


def test_corrections_stay_apart_from_the_training_data(run: Run) -> None:
    """Kept among the source's own pictures, they would be part of it, and perhaps of its sealed test."""
    source = Path(run.data.source)
    before = sorted(source.rglob("*"))
    for folder in (source, source / "new", source / ".." / source.name):
        with pytest.raises(DataError, match="expected a folder apart from it"):
            Service(run.path, Limits(), folder)
    assert sorted(source.rglob("*")) == before


def test_without_a_folder_no_correction_is_taken(client: TestClient) -> None:
    """A server that was started without --collect says so."""
    answer = client.post("/v1/corrections?label=7", content=as_file(images(1)[0]), headers=PNG)
    assert answer.status_code == 404
    assert "--collect FOLDER" in answer.json()["detail"]


def test_an_answer_is_not_of_any_length(tmp_path: Path) -> None:
    """All of a thousand classes for each of many images are refused; a hundred images of them, and few classes, go."""
    path = tmp_path / "many.safetensors"
    untrained((Flatten(),), (2, 2, 1), classes=tuple(map(str, range(1000)))).save(path)
    with TestClient(make_app(Service(path, Limits()), "127.0.0.1"), base_url="http://127.0.0.1") as client:
        found = [
            client.post(f"/v1/predict?top={top}", content=bytes(4 * n), headers=RAW)
            for n, top in ((101, 1000), (100, 1000), (1024, 3))
        ]
    assert [answer.status_code for answer in found] == [422, 200, 200]
    assert "expected at most 100000 in all" in found[0].json()["detail"]
