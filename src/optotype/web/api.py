"""The interface for programs, under /v1: one function for each thing that can be asked."""

from typing import Annotated, Final

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from optotype.data.pictures.decode import Fit
from optotype.data.pictures.encode import png_uri
from optotype.errors import DataError, unknown_name
from optotype.explaining.neighbours import Neighbour
from optotype.models.calibration import COVERAGE
from optotype.models.inputs import Pixels
from optotype.models.prediction import Prediction
from optotype.text import printable
from optotype.web.bodies import OPENAPI, Dtype, Wanted, read_images
from optotype.web.schemas import (
    AccuracyOut,
    Correction,
    Explanation,
    LimitsOut,
    ModelOut,
    OcclusionOut,
    PredictionOut,
    Predictions,
    ProblemOut,
    Ranked,
    Similar,
    SimilarImage,
)
from optotype.web.served import Served
from optotype.web.service import Service

_PROBLEMS: Final[dict[int | str, dict[str, object]]] = {
    status: {
        "description": phrase,
        "content": {"application/problem+json": {"schema": ProblemOut.model_json_schema()}},
    }
    for status, phrase in (
        (400, "The request is malformed."),
        (401, "The token is missing or wrong."),
        (403, "Another site asks."),
        (404, "There is nothing of that name, or corrections are not taken."),
        (408, "The body took too long to arrive."),
        (413, "The body is too large, or it holds too many images or pixels."),
        (415, "The body is of another kind."),
        (421, "The Host is none of this machine's names."),
        (422, "The images or a parameter cannot be used."),
        (429, "Too much waits already; Retry-After says when to ask again."),
        (431, "The request's line and headers are too large."),
        (500, "The server is at fault; its log says more."),
        (503, "The server has no room; Retry-After says when to ask again."),
        (507, "The folder of corrections is full, or cannot be written."),
    )
}

_MOST_RANKED: Final = 100_000
"""Classes that an answer names, over all its images."""
_SHOWN: Final = 10
"""Classes that an explanation names."""
_LIGHT: Final = 2**12
"""Numbers of one image up to which its answer is written where it was asked for; others in a thread beside."""

FitQuery = Annotated[
    Fit,
    Query(
        description="How pictures are brought to the model's shape: 'digit' gives a drawn or photographed digit the"
        " treatment that MNIST's had."
    ),
]
DtypeQuery = Annotated[Dtype, Query(description="What a body of raw pixels holds.")]
Top = Annotated[int, Query(ge=1, le=1000, description="How many of the likeliest classes to name.")]
Coverage = Annotated[
    float | None,
    Query(
        gt=0,
        lt=1,
        description="How often the classes that it may be are to hold the truth; 0.99 unless given.",
    ),
]
Label = Annotated[str, Query(description="The right class, by its name.")]
Seen = Annotated[bool, Query(description="Whether to send the images back as the model saw them.")]


router = APIRouter(prefix="/v1", responses=_PROBLEMS)


@router.post("/predict", response_model=Predictions, openapi_extra=OPENAPI)
async def predict(
    request: Request,
    fit: FitQuery = "stretch",
    dtype: DtypeQuery = "uint8",
    top: Top = 3,
    coverage: Coverage = None,
    *,
    seen: Seen = False,
) -> Response:
    """Say what images show: one or many, as a picture, a form of pictures, JSON or raw pixels."""
    service = service_of(request)
    served = service.served
    images = await _images(service, served, request, fit, dtype)
    _check_answer(len(images), min(top, len(served.model.class_names)))
    predictions = await service.predict(served, images, _coverage(served, coverage))

    def answer() -> Response:
        told = [
            _told(prediction, top, image if seen else None)
            for prediction, image in zip(predictions, images, strict=True)
        ]
        return _json(Predictions(model=served.fingerprint, predictions=told))

    is_light = len(images) == 1 and (images.size <= _LIGHT or not seen)
    return answer() if is_light else await service.decode(answer)


@router.post("/explain", response_model=Explanation, openapi_extra=OPENAPI)
async def explain(request: Request, fit: FitQuery = "stretch", dtype: DtypeQuery = "uint8") -> Response:
    """Say why one image is seen as it is: the parts that speak for the answer, and similar training images."""
    service = service_of(request)
    served, explainer = service.served, service.explainer
    images = await _images(service, served, request, fit, dtype)
    _require_one(images)
    if len(served.model.class_names) < 2:
        raise DataError(
            "The model has one class only: it says the same of every image, and there is nothing to explain."
        )
    (prediction,) = await service.predict(served, images, COVERAGE)
    drops, neighbours, note = await explainer.explain(images[0], prediction.label)

    def answer() -> Response:
        explanation = Explanation(
            model=served.fingerprint,
            prediction=_told(prediction, _SHOWN, images[0]),
            occlusion=OcclusionOut(label=drops.label, drops=drops.attribution.tolist(), patch=drops.patch),
            similar=Similar(images=[_neighbour(each) for each in neighbours], note=note),
        )
        return _json(explanation)

    return await service.decode(answer)


@router.post("/corrections", response_model=Correction, status_code=201, openapi_extra=OPENAPI)
async def correct(
    request: Request, label: Label, fit: FitQuery = "stretch", dtype: DtypeQuery = "uint8"
) -> Response:
    """Keep one image, as the model sees it, with its right label: additional data for `optotype train --add`."""
    service = service_of(request)
    served, corrections = service.served, service.corrections
    if corrections is None:
        raise HTTPException(
            404, "This server keeps no corrections. Start it with --collect FOLDER to take them."
        )
    if label not in served.model.class_names:
        raise DataError(unknown_name("class", label, served.model.class_names))
    images = await _images(service, served, request, fit, dtype)
    _require_one(images)
    try:
        file = await service.decode(lambda: corrections.save(label, _as_bytes(images[0])))
        count = await service.decode(corrections.count)
    except DataError as error:
        # Nothing is wrong with the request: the folder is full, or cannot be written.
        raise HTTPException(507, str(error)) from error
    return _json(Correction(file=file, folder=printable(str(corrections.folder)), count=count), 201)


@router.get("/model", response_model=ModelOut)
async def model(request: Request) -> Response:
    """Tell about the model that is served."""
    return _json(_about(service_of(request)))


def service_of(request: Request) -> Service:
    """Give the service that the application was made for."""
    service: Service = request.app.state.service
    return service


async def _images(service: Service, served: Served, request: Request, fit: Fit, dtype: Dtype) -> Pixels:
    """Read the images of a request."""
    shape = served.model.input_shape
    if fit not in served.fits:
        raise DataError(
            f"fit is {fit!r}, expected {' or '.join(map(repr, served.fits))}: the model takes images of"
            f" {shape[0]} x {shape[1]} x {shape[2]}, and only those of 28 x 28 x 1 can be MNIST's. Leave it out."
        )
    body = await read_images(request, Wanted(shape, fit, dtype, service.limits))
    return body.decode() if body.is_light else await service.decode(body.decode)


def _check_answer(images: int, top: int) -> None:
    """Refuse what would be an answer of many megabytes, whose making keeps others waiting."""
    if images * top > _MOST_RANKED:
        raise DataError(
            f"{top} classes were asked for of each of {images} images, expected at most {_MOST_RANKED} in all. Ask for"
            " fewer classes (top), or send fewer images in a request."
        )


def _require_one(images: Pixels) -> None:
    if len(images) != 1:
        raise DataError(
            f"The request holds {len(images)} images, expected one. Send each in a request of its own."
        )


def _neighbour(neighbour: Neighbour) -> SimilarImage:
    return SimilarImage(
        picture=png_uri(neighbour.image),
        label=neighbour.label,
        distance=neighbour.distance,
        file=neighbour.file,
    )


def _coverage(served: Served, wanted: float | None) -> float:
    """Give the coverage of label sets, or say why the model has none."""
    if wanted is not None and served.model.calibration is None:
        raise DataError(
            f"coverage is {wanted}, but the model has no calibration to tell by which classes an image may be of. Leave"
            " it out, or train the model with at least 50 validation images."
        )
    return COVERAGE if wanted is None else wanted


def _told(prediction: Prediction, top: int, image: Pixels | None) -> PredictionOut:
    """Put a prediction into the words of the interface.

    Args:
        prediction: What the model says.
        top: How many classes to name.
        image: The image to send back, of shape (h, w, c); None for none.
    """
    return PredictionOut(
        label=prediction.label,
        probability=prediction.probability,
        top=[Ranked(label=label, probability=value) for label, value in prediction.top(top)],
        label_set=None if prediction.label_set is None else list(prediction.label_set),
        unknown=prediction.unknown,
        seen=None if image is None else png_uri(_as_bytes(image)),
    )


def _as_bytes(image: Pixels) -> NDArray[np.uint8]:
    """Give an image as uint8 in 0 .. 255, for people to look at."""
    return np.rint(image * (1 if image.dtype == np.uint8 else 255)).astype(np.uint8)


def _about(service: Service) -> ModelOut:
    served, limits = service.served, service.limits
    model = served.model
    data = model.provenance.data
    accuracy = served.accuracy
    return ModelOut(
        name=model.recipe.name,
        run=served.run,
        fingerprint=served.fingerprint,
        class_names=list(model.class_names),
        input_shape=model.input_shape,
        parameters=sum(weight.size for weight in model.weights.values()),
        data=None if data is None else data.name,
        # It may be a path of this machine, as the folder of corrections is.
        source=None if service.corrections is None else served.source,
        label_sets=model.calibration is not None,
        rejects=model.novelty is not None,
        accuracy=accuracy
        and AccuracyOut(
            split=accuracy.split,
            value=accuracy.estimate.value,
            low=accuracy.estimate.low,
            high=accuracy.estimate.high,
            n=accuracy.n,
        ),
        fits=list(served.fits),
        drawing_fit=served.drawing_fit,
        collect=None if service.corrections is None else printable(str(service.corrections.folder)),
        similar=service.explainer.similar,
        similar_note=service.explainer.note,
        limits=LimitsOut(body_bytes=limits.body_bytes, images=limits.images, pixels=limits.pixels),
    )


def _json(answer: BaseModel, status: int = 200) -> Response:
    """Write an answer as JSON at once: FastAPI would check it against its own schema first."""
    return Response(answer.model_dump_json(), status, media_type="application/json")
