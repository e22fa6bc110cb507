"""The HTTP API under /v1: predict, explain, corrections, model."""

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
from optotype.web.bodies import OPENAPI, Dtype, InputSpec, read_images
from optotype.web.schemas import (
    AccuracyOut,
    ClassProbability,
    Correction,
    Explanation,
    LimitsOut,
    ModelOut,
    NeighbourOut,
    NeighboursOut,
    OcclusionOut,
    PredictionOut,
    Predictions,
    ProblemOut,
)
from optotype.web.served_model import ServedModel
from optotype.web.service import Service

_PROBLEMS: Final[dict[int | str, dict[str, object]]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": ProblemOut.model_json_schema()}},
    }
    for status, description in (
        (400, "The request is malformed."),
        (401, "The token is missing or wrong."),
        (403, "The request comes from another website."),
        (404, "The path does not exist, or the server does not accept corrections."),
        (408, "The body took too long to arrive."),
        (413, "The body is too large, or it contains too many images or pixels."),
        (415, "The Content-Type is not supported."),
        (421, "The Host header is not a name of this machine."),
        (422, "An image or a parameter is invalid."),
        (429, "Too many requests are waiting; Retry-After says when to retry."),
        (431, "The request line and headers are too large."),
        (500, "The server has an internal error; its log has the details."),
        (503, "The server is at a limit or stopping; Retry-After says when to retry."),
        (507, "The corrections folder is full or not writable."),
    )
}

_MAX_LISTED_CLASSES: Final = 100_000
"""Classes listed in a response, over all its images."""
_EXPLANATION_TOP: Final = 10
"""Most probable classes in an explanation."""
_MAX_INLINE_PIXELS: Final = 2**12
"""Values of an image up to which its response is built in the event loop; larger ones are built in a thread."""

FitQuery = Annotated[
    Fit,
    Query(
        description="How image files are brought to the model's input size: 'digit' applies MNIST's preprocessing to a"
        " drawn or photographed digit."
    ),
]
DtypeQuery = Annotated[Dtype, Query(description="Data type of a body of raw pixels.")]
Top = Annotated[int, Query(ge=1, le=1000, description="Number of most probable classes to list.")]
Coverage = Annotated[
    float | None,
    Query(
        gt=0,
        lt=1,
        description="Target coverage: the probability with which label sets contain the true class; default 0.99.",
    ),
]
Label = Annotated[str, Query(description="Name of the true class.")]
InputImage = Annotated[bool, Query(description="Whether to return the images at the model's input size.")]


router = APIRouter(prefix="/v1", responses=_PROBLEMS)


@router.post("/predict", response_model=Predictions, openapi_extra=OPENAPI)
async def predict(
    request: Request,
    fit: FitQuery = "stretch",
    dtype: DtypeQuery = "uint8",
    top: Top = 3,
    coverage: Coverage = None,
    *,
    input_image: InputImage = False,
) -> Response:
    """Classify one or many images, sent as an image file, a form, JSON or raw pixels."""
    service = get_service(request)
    served = service.served
    images = await _read_images(service, served, request, fit, dtype)
    _check_response_size(len(images), min(top, len(served.model.class_names)))
    predictions = await service.predict(served, images, _resolve_coverage(served, coverage))

    def build_response() -> Response:
        outputs = [
            _prediction_out(prediction, top, image if input_image else None)
            for prediction, image in zip(predictions, images, strict=True)
        ]
        return _json_response(Predictions(model=served.fingerprint, predictions=outputs))

    is_small = len(images) == 1 and (images.size <= _MAX_INLINE_PIXELS or not input_image)
    return build_response() if is_small else await service.run_in_thread(build_response)


@router.post("/explain", response_model=Explanation, openapi_extra=OPENAPI)
async def explain(request: Request, fit: FitQuery = "stretch", dtype: DtypeQuery = "uint8") -> Response:
    """Explain the prediction for one image: an occlusion map and similar training images."""
    service = get_service(request)
    served, explainer = service.served, service.explainer
    images = await _read_images(service, served, request, fit, dtype)
    _require_one_image(images)
    if len(served.model.class_names) < 2:
        raise DataError(
            "The model has only 1 class and predicts it for every image, so there is nothing to explain. Explanations"
            " need a model with at least 2 classes."
        )
    (prediction,) = await service.predict(served, images, COVERAGE)
    occlusion, neighbours, note = await explainer.explain(images[0], prediction.label)

    def build_response() -> Response:
        explanation = Explanation(
            model=served.fingerprint,
            prediction=_prediction_out(prediction, _EXPLANATION_TOP, images[0]),
            occlusion=OcclusionOut(
                label=occlusion.label, attribution=occlusion.attribution.tolist(), patch=occlusion.patch
            ),
            neighbours=NeighboursOut(
                images=[_neighbour_out(neighbour) for neighbour in neighbours], note=note
            ),
        )
        return _json_response(explanation)

    return await service.run_in_thread(build_response)


@router.post("/corrections", response_model=Correction, status_code=201, openapi_extra=OPENAPI)
async def correct(
    request: Request, label: Label, fit: FitQuery = "stretch", dtype: DtypeQuery = "uint8"
) -> Response:
    """Save one image at the model's input size under its true label, for `optotype train --add`."""
    service = get_service(request)
    served, corrections = service.served, service.corrections
    if corrections is None:
        raise HTTPException(
            404, "This server does not accept corrections. Start it with --collect FOLDER to accept them."
        )
    if label not in served.model.class_names:
        raise DataError(unknown_name("class", label, served.model.class_names))
    images = await _read_images(service, served, request, fit, dtype)
    _require_one_image(images)
    try:
        file = await service.run_in_thread(lambda: corrections.save(label, _to_uint8(images[0])))
        count = await service.run_in_thread(corrections.count)
    except DataError as error:
        # The request is valid: the folder is full or not writable.
        raise HTTPException(507, str(error)) from error
    return _json_response(Correction(file=file, folder=printable(str(corrections.folder)), count=count), 201)


@router.get("/model", response_model=ModelOut)
async def model(request: Request) -> Response:
    """Describe the served model and the limits of a request."""
    return _json_response(_model_out(get_service(request)))


def get_service(request: Request) -> Service:
    """Return the service of the application that received a request."""
    service: Service = request.app.state.service
    return service


async def _read_images(
    service: Service, served: ServedModel, request: Request, fit: Fit, dtype: Dtype
) -> Pixels:
    """Return the images of a request as model inputs."""
    shape = served.model.input_shape
    if fit not in served.fits:
        raise DataError(
            f"fit is {fit!r}, expected {' or '.join(map(repr, served.fits))}: the model's input shape is"
            f" {shape[0]} x {shape[1]} x {shape[2]}, and 'digit' needs 28 x 28 x 1. Leave out fit."
        )
    body = await read_images(request, InputSpec(shape, fit, dtype, service.limits))
    return body.decode() if body.is_small else await service.run_in_thread(body.decode)


def _check_response_size(images: int, top: int) -> None:
    """Reject requests whose response would have many megabytes; building it would delay other requests."""
    if images * top > _MAX_LISTED_CLASSES:
        raise DataError(
            f"The response would list {top} classes for each of {images} images, expected at most"
            f" {_MAX_LISTED_CLASSES} in all. Ask for fewer classes (top), or send fewer images per request."
        )


def _require_one_image(images: Pixels) -> None:
    if len(images) != 1:
        raise DataError(
            f"The request contains {len(images)} images, expected exactly one. Send each image in its own request."
        )


def _neighbour_out(neighbour: Neighbour) -> NeighbourOut:
    return NeighbourOut(
        image=png_uri(neighbour.image),
        label=neighbour.label,
        distance=neighbour.distance,
        file=neighbour.file,
    )


def _resolve_coverage(served: ServedModel, coverage: float | None) -> float:
    """Return the target coverage of label sets, 0.99 by default; DataError if the model cannot compute label sets."""
    if coverage is not None and served.model.calibration is None:
        raise DataError(
            f"coverage is {coverage}, but the model has no calibration and cannot compute label sets. Leave out"
            " coverage, or train the model with at least 50 validation images."
        )
    return COVERAGE if coverage is None else coverage


def _prediction_out(prediction: Prediction, top: int, image: Pixels | None) -> PredictionOut:
    """Convert a prediction to its response.

    Args:
        prediction: The prediction.
        top: The number of most probable classes to list.
        image: The model input to return, of shape (h, w, c); None to return none.
    """
    return PredictionOut(
        label=prediction.label,
        probability=prediction.probability,
        top=[ClassProbability(label=label, probability=value) for label, value in prediction.top(top)],
        label_set=None if prediction.label_set is None else list(prediction.label_set),
        unknown=prediction.unknown,
        input_image=None if image is None else png_uri(_to_uint8(image)),
    )


def _to_uint8(image: Pixels) -> NDArray[np.uint8]:
    """Convert an image to uint8 in 0 .. 255."""
    return np.rint(image * (1 if image.dtype == np.uint8 else 255)).astype(np.uint8)


def _model_out(service: Service) -> ModelOut:
    served, limits = service.served, service.limits
    model = served.model
    data = model.provenance.data
    accuracy = served.accuracy
    folder = None if service.corrections is None else printable(str(service.corrections.folder))
    return ModelOut(
        name=model.recipe.name,
        run=served.run,
        fingerprint=served.fingerprint,
        class_names=list(model.class_names),
        input_shape=model.input_shape,
        parameters=sum(weight.size for weight in model.weights.values()),
        data=None if data is None else data.name,
        # The source may be a path on this machine, like the corrections folder.
        source=None if service.corrections is None else served.source,
        has_label_sets=model.calibration is not None,
        detects_novelty=model.novelty is not None,
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
        corrections_folder=folder,
        neighbours=service.explainer.neighbours_state,
        neighbours_note=service.explainer.note,
        limits=LimitsOut(body_bytes=limits.body_bytes, images=limits.images, pixels=limits.pixels),
    )


def _json_response(body: BaseModel, status: int = 200) -> Response:
    """Serialize a response directly: FastAPI would validate it against its own schema first."""
    return Response(body.model_dump_json(), status, media_type="application/json")
