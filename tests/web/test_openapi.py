"""What /openapi.json promises, asked by Schemathesis over a socket: with what it allows, and with what it does not."""

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
from tests.web.listening import listening

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}


def picture(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """Write pixels as a picture file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def pictures(kind: str) -> st.SearchStrategy[bytes]:
    """Draw picture files: grey, in colour and, where there is such a thing, transparent; from 1 x 1 to 40 x 40."""
    side = st.integers(1, 40)
    channels = st.sampled_from([(), (3,)] if kind == "JPEG" else [(), (2,), (3,), (4,)])
    shapes = st.builds(lambda height, width, rest: (height, width, *rest), side, side, channels)
    pixels = shapes.flatmap(lambda shape: arrays.arrays("uint8", shape, fill=st.integers(0, 255)))
    return pixels.map(lambda each: picture(each, kind))


for media, kind in FORMATS.items():
    schemathesis.openapi.media_type(media, pictures(kind) | st.binary(max_size=200))
# Raw pixels: whole images of this model's, and anything.
schemathesis.openapi.media_type(
    "application/octet-stream",
    st.integers(1, 3).flatmap(lambda n: st.binary(min_size=784 * n, max_size=784 * n))
    | st.binary(max_size=900),
)

# Its type argument is for subclasses of its own.
Case = schemathesis.Case[Any]

schema = schemathesis.pytest.from_fixture("promised")


@pytest.fixture(scope="module")
def address(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the run, corrections taken."""
    service = Service(run.path, Limits(), tmp_path_factory.mktemp("corrections"))
    with listening(make_app(service, "127.0.0.1"), service.limits, lifespan="on") as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def promised(address: str) -> schemathesis.BaseSchema:
    """Read what the server promises."""
    return schemathesis.openapi.from_url(f"{address}/openapi.json")


def _ask(case: Case) -> None:
    # What of a body makes no image is beyond what a schema can say: such are refused with 422.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])


@schema.parametrize()
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_the_server_keeps_what_its_schema_promises(case: Case) -> None:
    """Whatever is asked, the status, type, headers and body of the answer are documented, and never a 500."""
    _ask(case)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=2000, suppress_health_check=list(HealthCheck))
def test_the_server_keeps_it_for_long(case: Case) -> None:
    """The same holds for thousands of requests."""
    _ask(case)


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/explain", "/v1/corrections"])
@pytest.mark.parametrize("media", list(FORMATS))
@settings(max_examples=25)
@given(data=st.data())
def test_every_sound_picture_is_answered_as_promised(
    promised: schemathesis.BaseSchema, path: str, media: str, data: st.DataObject
) -> None:
    """A sound picture of any size and mode gets 200, or 201 where it is kept, and the body that the schema promises."""
    case = promised[path]["POST"].Case(
        body=data.draw(pictures(FORMATS[media])),
        media_type=media,
        query={"label": "7"} if path == "/v1/corrections" else {},
    )
    answer = case.call_and_validate()
    assert answer.status_code == (201 if path == "/v1/corrections" else 200), answer.text


def test_every_way_to_send_images_is_promised(address: str) -> None:
    """The schema names every kind of body that is read, for each of the three that take pictures."""
    paths = httpx2.get(f"{address}/openapi.json").json()["paths"]
    for path in ("/v1/predict", "/v1/explain", "/v1/corrections"):
        assert set(paths[path]["post"]["requestBody"]["content"]) == {
            *FORMATS,
            "multipart/form-data",
            "application/json",
            "application/octet-stream",
        }
