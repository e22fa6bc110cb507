"""The OpenAPI description, tested by Schemathesis over a socket with valid and invalid requests."""

import io
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image
from schemathesis.specs.openapi.checks import positive_data_acceptance

from optotype.runs.run import Run
from optotype.web.app import make_app
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.web.http_server import run_server

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}


def encode(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """Encode pixels as an image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def image_files(kind: str) -> st.SearchStrategy[bytes]:
    """Generate image files of 1 x 1 to 40 x 40 pixels: grey, colour, and transparent if the format allows it."""
    side = st.integers(1, 40)
    channels = st.sampled_from([(), (3,)] if kind == "JPEG" else [(), (2,), (3,), (4,)])
    shapes = st.builds(lambda height, width, axes: (height, width, *axes), side, side, channels)
    pixels = shapes.flatmap(lambda shape: arrays.arrays("uint8", shape, fill=st.integers(0, 255)))
    return pixels.map(lambda array: encode(array, kind))


for media, kind in FORMATS.items():
    schemathesis.openapi.media_type(media, image_files(kind) | st.binary(max_size=200))
# Raw pixels: complete images of the model's input shape, and any bytes.
schemathesis.openapi.media_type(
    "application/octet-stream",
    st.integers(1, 3).flatmap(lambda n: st.binary(min_size=784 * n, max_size=784 * n))
    | st.binary(max_size=900),
)

# The type parameter matters only for subclasses.
Case = schemathesis.Case[Any]

schema = schemathesis.pytest.from_fixture("description")


@pytest.fixture(scope="module")
def address(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the run and accept corrections."""
    service = Service(run.path, Limits(), tmp_path_factory.mktemp("corrections"))
    with run_server(make_app(service, "127.0.0.1"), service.limits, lifespan="on") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def description(address: str) -> schemathesis.BaseSchema:
    """Read the OpenAPI description."""
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


def _call(case: Case) -> None:
    # A schema cannot express which bytes are an image: other bytes give 422.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])


@schema.parametrize()
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_responses_match_the_description(case: Case) -> None:
    """Every response has a documented status, type, headers and body, and none is a 500."""
    _call(case)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=2000, suppress_health_check=list(HealthCheck))
def test_responses_match_the_description_for_many_requests(case: Case) -> None:
    """The same holds for thousands of requests."""
    _call(case)


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain", "/v1/corrections"])
@pytest.mark.parametrize("media", list(FORMATS))
@settings(max_examples=25)
@given(data=st.data())
def test_every_intact_image_is_accepted(
    description: schemathesis.BaseSchema, path: str, media: str, data: st.DataObject
) -> None:
    """An intact image file of any size and mode gives 200, or 201 for a correction, and the documented body."""
    case = description[path]["POST"].Case(
        body=data.draw(image_files(FORMATS[media])),
        media_type=media,
        query={"label": "7"} if path == "/v1/corrections" else {},
    )
    response = case.call_and_validate()
    assert response.status_code == (201 if path == "/v1/corrections" else 200), response.text


def test_every_kind_of_body_is_described(address: str) -> None:
    """The description lists every kind of body for each of the three paths that accept images."""
    paths = httpx2.get(f"{address}/openapi.json").json()["paths"]
    for path in ("/v1/predict", "/v1/explain", "/v1/corrections"):
        assert set(paths[path]["post"]["requestBody"]["content"]) == {
            *FORMATS,
            "multipart/form-data",
            "application/json",
            "application/octet-stream",
        }
