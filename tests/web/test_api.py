"""The HTTP API under /v1."""

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
from tests.web.samples import encode_image, images

PNG = {"Content-Type": "image/png"}
JSON = {"Content-Type": "application/json"}
RAW = {"Content-Type": "application/octet-stream"}


def _predict(
    client: TestClient, body: bytes, headers: dict[str, str], **query: object
) -> list[dict[str, Any]]:
    response = client.post(
        "/v1/predict",
        content=body,
        headers=headers,
        params={name: str(value) for name, value in query.items()},
    )
    assert response.status_code == 200, response.text
    predictions: list[dict[str, Any]] = response.json()["predictions"]
    return predictions


def _assert_equal(output: dict[str, Any], prediction: Prediction) -> None:
    top = output["top"]
    assert output["label"] == prediction.label
    assert output["probability"] == pytest.approx(prediction.probability, abs=1e-6)
    assert [entry["label"] for entry in top] == [label for label, _ in prediction.top(len(top))]
    assert output["label_set"] == list(prediction.label_set or ())
    assert output["unknown"] is prediction.unknown


def test_every_kind_of_body_is_predicted_like_model_predict(client: TestClient, run: Run) -> None:
    """An image file, a form, Base64 and lists in JSON, and raw pixels of both dtypes give Model.predict's results."""
    inputs = images(3)
    expected = run.model.predict(inputs)
    files = [encode_image(image) for image in inputs]
    lists = {"images": [inputs[0].tolist(), inputs[1, ..., 0].tolist(), inputs[2].ravel().tolist()]}
    mixed = {"images": [base64.b64encode(files[0]).decode(), inputs[1].tolist(), inputs[2].tolist()]}
    floats = (inputs / np.float32(255)).astype("<f4")
    float_lists = {"images": floats.tolist(), "dtype": "float32"}
    parts = [("images", (f"{i}.png", file)) for i, file in enumerate(files)]
    for outputs in (
        [_predict(client, file, PNG)[0] for file in files],
        client.post("/v1/predict", files=parts).json()["predictions"],
        _predict(client, json.dumps(lists).encode(), JSON),
        _predict(client, json.dumps(mixed).encode(), JSON),
        _predict(client, json.dumps(float_lists).encode(), JSON),
        _predict(client, inputs.tobytes(), RAW),
        _predict(client, floats.tobytes(), RAW, dtype="float32"),
    ):
        assert len(outputs) == 3
        for output, prediction in zip(outputs, expected, strict=True):
            _assert_equal(output, prediction)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_image_files_of_any_size_and_format_are_read(client: TestClient, run: Run, kind: str) -> None:
    """A colour image file gives Model.predict's result for its bytes, whatever image type the client names."""
    colour = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    file = encode_image(colour, kind)
    (output,) = _predict(client, file, PNG)
    _assert_equal(output, run.model.predict(file)[0])


def test_predictions_are_in_the_order_of_images(client: TestClient, run: Run) -> None:
    """More images than fit in a batch come back in order, with the predictions of a single call."""
    inputs = images(150)
    outputs = _predict(client, inputs.tobytes(), RAW, top=10)
    for output, prediction in zip(outputs, run.model.predict(inputs), strict=True):
        _assert_equal(output, prediction)


def test_input_image_is_returned(client: TestClient) -> None:
    """With input_image=true the response contains the exact pixels as a PNG that can be sent again."""
    (output,) = _predict(client, encode_image(images(1)[0]), PNG, input_image="true")
    prefix, _, content = output["input_image"].partition(",")
    assert prefix == "data:image/png;base64"
    (from_file,) = _predict(client, base64.b64decode(content), PNG)
    (from_uri,) = _predict(client, json.dumps({"images": [output["input_image"]]}).encode(), JSON)
    assert (from_file["probability"], from_file["input_image"]) == (output["probability"], None)
    assert from_uri == from_file


def test_fit_digit_predicts_the_fitted_image(client: TestClient, run: Run) -> None:
    """fit=digit predicts from the result of fit_digit."""
    from optotype.data.pictures.digits import fit_digit

    drawing = np.zeros((200, 100, 1), np.uint8)
    drawing[30:170, 40:60] = 255
    (output,) = _predict(client, encode_image(drawing), PNG, fit="digit")
    _assert_equal(output, run.model.predict(fit_digit(drawing)[np.newaxis])[0])


def test_coverage_determines_label_sets(client: TestClient, run: Run) -> None:
    """Label sets equal those of Model.predict for each coverage."""
    noise = np.random.default_rng(3).integers(0, 256, (20, 28, 28, 1), np.uint8)
    for coverage in (0.5, 0.9, 0.999):
        outputs = _predict(client, noise.tobytes(), RAW, coverage=coverage)
        expected = run.model.predict(noise, coverage=coverage)
        assert [output["label_set"] for output in outputs] == [
            list(prediction.label_set or ()) for prediction in expected
        ]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("fit=round", "fit"),
        ("top=0", "top"),
        ("coverage=1", "coverage"),
        ("coverage=nan", "coverage"),
        ("dtype=int8", "dtype"),
        ("input_image=perhaps", "input_image"),
    ],
)
def test_invalid_parameters_are_named(client: TestClient, query: str, name: str) -> None:
    """An invalid query parameter gives 422, and the message names it."""
    response = client.post(f"/v1/predict?{query}", content=encode_image(images(1)[0]), headers=PNG)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert f"'{name}'" in response.json()["detail"]


def test_unsupported_content_types_get_415(client: TestClient) -> None:
    """Curl's default Content-Type and a missing one give 415, and the message shows the right option."""
    response = client.post(
        "/v1/predict", content=b"x", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert response.status_code == 415
    assert "-H 'Content-Type: image/png'" in response.json()["detail"]
    response = client.post("/v1/predict")
    assert response.status_code == 415
    assert "Content-Type is missing" in response.json()["detail"]


def test_form_part_without_a_file_is_explained(client: TestClient) -> None:
    """A form field that is not a file gives 422, and the message shows curl's @."""
    response = client.post("/v1/predict", files={"images": (None, "seven.png")})
    assert response.status_code == 422
    assert "-F images=@seven.png" in response.json()["detail"]


def test_only_several_images_are_numbered_in_messages(client: TestClient) -> None:
    """An error in a single image file says "The image"; among several the index is named."""
    files = [
        ("images", ("a.png", encode_image(images(1)[0]))),
        ("images", ("b.png", b"not an image")),
    ]
    single = client.post("/v1/predict", content=b"not an image", headers=PNG).json()["detail"]
    several = client.post("/v1/predict", files=files).json()["detail"]
    assert single.startswith("The image ")
    assert several.startswith("Image 1 ")


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready"])
def test_head_requests_are_answered(client: TestClient, path: str) -> None:
    """HEAD, which some monitors use, has the status and Content-Type of GET and no content."""
    response = client.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == client.get(path).headers["content-type"]


def test_model_is_described(client: TestClient, run: Run) -> None:
    """/v1/model contains the model's classes, input shape and accuracy, and no path of the machine."""
    output = client.get("/v1/model").json()
    assert output["class_names"] == list(run.model.class_names)
    assert output["input_shape"] == [28, 28, 1]
    assert output["parameters"] == 784 * 32 + 32 + 32 * 10 + 10
    assert (output["name"], output["run"], output["data"]) == ("small", "run", "patterns")
    assert (output["has_label_sets"], output["detects_novelty"]) == (True, True)
    assert output["drawing_fit"] == "digit"
    accuracy = output["accuracy"]
    assert (accuracy["split"], accuracy["n"]) == ("validation", 200)
    assert 0 < accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert str(run.path.parent) not in json.dumps(output)


def test_explanation_equals_the_library(client: TestClient, run: Run) -> None:
    """/v1/explain returns the library's occlusion map, a value for each pixel, and training images of the class."""
    from optotype.explaining.occlusion import occlusion

    (image,) = images(1)
    neighbours: dict[str, Any] = {"images": []}
    while not neighbours["images"]:
        output = client.post("/v1/explain", content=encode_image(image), headers=PNG).json()
        neighbours = output["neighbours"]
        assert neighbours["images"] or "still" in neighbours["note"]
    expected = occlusion(run.model, image)
    assert output["occlusion"]["label"] == output["prediction"]["label"] == expected.label == "0"
    np.testing.assert_allclose(output["occlusion"]["attribution"], expected.attribution, atol=1e-4)
    assert {neighbour["label"] for neighbour in neighbours["images"]} == {"0"}
    distances = [neighbour["distance"] for neighbour in neighbours["images"]]
    assert distances == sorted(distances)
    assert client.get("/v1/model").json()["neighbours"] == "ready"


def test_model_file_without_a_run_has_no_neighbours(run: Run, tmp_path: Path) -> None:
    """Without the run folder there is only the occlusion map, and a note explains why."""
    path = tmp_path / "alone.safetensors"
    run.model.save(path)
    with TestClient(make_app(Service(path, Limits()), "127.0.0.1"), base_url="http://127.0.0.1") as client:
        explanation = client.post("/v1/explain", content=encode_image(images(1)[0]), headers=PNG).json()
        model = client.get("/v1/model").json()
    assert explanation["neighbours"]["images"] == []
    assert "run folder" in explanation["neighbours"]["note"]
    assert (model["run"], model["accuracy"], model["neighbours"]) == (None, None, "unavailable")


def test_only_one_image_per_explanation(client: TestClient) -> None:
    """Two images in an explanation request give 422."""
    response = client.post("/v1/explain", content=images(2).tobytes(), headers=RAW)
    assert response.status_code == 422
    assert "2 images, expected exactly one" in response.json()["detail"]


def test_too_many_images_are_rejected(run: Run) -> None:
    """More images than the limit give 413 with the limit, in every kind of body that can contain several."""
    service = Service(run.path, Limits(images=2))
    inputs = images(3)
    files = [("images", ("a.png", encode_image(image))) for image in inputs]
    lists = json.dumps({"images": inputs.tolist()}).encode()
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        responses = [
            client.post("/v1/predict", content=inputs.tobytes(), headers=RAW),
            client.post("/v1/predict", content=lists, headers=JSON),
            client.post("/v1/predict", files=files),
        ]
    assert [response.status_code for response in responses] == [413, 413, 413]
    assert all("2" in response.json()["detail"] for response in responses)


def test_image_with_too_many_pixels_is_rejected(run: Run) -> None:
    """An image file whose header announces more pixels than the limit gives 422 with both numbers."""
    service = Service(run.path, Limits(pixels=1000))
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        small = client.post("/v1/predict", content=encode_image(images(1)[0]), headers=PNG)
        large = client.post("/v1/predict", content=encode_image(np.zeros((40, 30, 3), np.uint8)), headers=PNG)
    assert small.status_code == 200
    assert large.status_code == 422
    assert "30 x 40 pixels" in large.json()["detail"]
    assert "1000" in large.json()["detail"]


def test_correction_is_saved_at_the_input_size(run: Run, tmp_path: Path) -> None:
    """A correction is saved under its label, with the model's input pixels; a second label replaces the first."""
    service = Service(run.path, Limits(), tmp_path / "corrections")
    (image,) = images(1)
    with TestClient(make_app(service, "127.0.0.1"), base_url="http://127.0.0.1") as client:
        responses = [
            client.post(f"/v1/corrections?label={label}", content=encode_image(image), headers=PNG)
            for label in ("7", "3", "../7")
        ]
        model = client.get("/v1/model").json()
    assert [response.status_code for response in responses] == [201, 201, 422]
    correction = responses[1].json()
    assert correction["count"] == 1
    assert correction["folder"] == model["corrections_folder"] == str(tmp_path / "corrections")
    with Image.open(tmp_path / "corrections" / correction["file"]) as saved:
        np.testing.assert_array_equal(np.asarray(saved), image[..., 0])
    assert correction["file"].startswith("3/")
    assert model["source"] == run.data.source


def test_corrections_folder_must_be_outside_the_data(run: Run) -> None:
    """A corrections folder inside the source would add its images to the data, maybe to the sealed test set."""
    source = Path(run.data.source)
    before = sorted(source.rglob("*"))
    for folder in (source, source / "new", source / ".." / source.name):
        with pytest.raises(DataError, match=source.name):
            Service(run.path, Limits(), folder)
    assert sorted(source.rglob("*")) == before


def test_corrections_need_a_folder(client: TestClient) -> None:
    """A server without --collect responds with 404 and names the option."""
    response = client.post("/v1/corrections?label=7", content=encode_image(images(1)[0]), headers=PNG)
    assert response.status_code == 404
    assert "--collect FOLDER" in response.json()["detail"]


def test_response_size_is_limited(tmp_path: Path) -> None:
    """All of 1000 classes for 101 images give 422; for 100 images, or 3 classes for 1024 images, 200."""
    path = tmp_path / "many.safetensors"
    untrained((Flatten(),), (2, 2, 1), classes=tuple(map(str, range(1000)))).save(path)
    with TestClient(make_app(Service(path, Limits()), "127.0.0.1"), base_url="http://127.0.0.1") as client:
        responses = [
            client.post(f"/v1/predict?top={top}", content=bytes(4 * n), headers=RAW)
            for n, top in ((101, 1000), (100, 1000), (1024, 3))
        ]
    assert [response.status_code for response in responses] == [422, 200, 200]
    assert "100000" in responses[0].json()["detail"]
