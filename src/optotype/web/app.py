"""The ASGI application: the routes, and what stands before them, from the outside in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from optotype.web.api import router as api
from optotype.web.api import service_of
from optotype.web.concurrency import ConcurrencyLimit
from optotype.web.docs import add_docs, ask_for_token
from optotype.web.guard import Guard
from optotype.web.limits import BodyLimits
from optotype.web.metrics import MetricsMiddleware
from optotype.web.problems import HANDLERS
from optotype.web.schemas import Health
from optotype.web.service import Service
from optotype.web.shutdown import ShutdownResponse

_PAGE: Final = Path(__file__).parent / "page"


watching = APIRouter()
"""The routes for those who watch the server, of whom some ask with HEAD."""


@watching.head("/health/live", include_in_schema=False)
@watching.get("/health/live")
async def live() -> Health:
    """Say that the process answers."""
    return Health(status="live")


@watching.head("/health/ready", include_in_schema=False)
@watching.get("/health/ready", responses={503: {"description": "The server is being stopped."}})
async def ready(request: Request) -> Health:
    """Say that requests are taken on; 503 while the server stops."""
    service_of(request).require_running()
    return Health(status="ready")


@watching.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Give what was counted, in Prometheus's text format."""
    return Response(
        generate_latest(service_of(request).metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


async def page() -> FileResponse:
    """Give the page where one draws."""
    return FileResponse(_PAGE / "index.html")


def make_app(service: Service, host: str, token: str | None = None) -> ASGIApp:
    """Make the application of a service.

    Args:
        service: What answers.
        host: Where the server listens.
        token: What requests must bring; None where they need none.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        answering = asyncio.create_task(service.run())
        yield
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering

    app = FastAPI(
        title="optotype",
        version=version("optotype"),
        summary="A model of images, as a service",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers=dict(HANDLERS),
    )
    app.state.service = service
    app.include_router(api)
    app.include_router(watching)
    add_docs(app)
    app.mount("/page", StaticFiles(directory=_PAGE))
    app.add_api_route("/", page, methods=["GET", "HEAD"], include_in_schema=False)
    if token is not None:
        ask_for_token(app)
    limits = service.limits
    held = ShutdownResponse(BodyLimits(ConcurrencyLimit(app, limits), limits))
    return MetricsMiddleware(Guard(held, host, token, limits), service.metrics)
