"""The ASGI application: its routes, and the middleware in front of them, outermost last."""

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

from optotype.web.api import get_service
from optotype.web.api import router as api
from optotype.web.concurrency import ConcurrencyLimit
from optotype.web.docs import add_docs, add_token_scheme
from optotype.web.guard import Guard
from optotype.web.limits import BodyLimits
from optotype.web.metrics import MetricsMiddleware
from optotype.web.problems import HANDLERS
from optotype.web.schemas import Health
from optotype.web.service import Service
from optotype.web.shutdown import ShutdownResponse

_PAGE: Final = Path(__file__).parent / "page"


monitoring = APIRouter()
"""Routes for monitoring; some monitors use HEAD."""


@monitoring.head("/health/live", include_in_schema=False)
@monitoring.get("/health/live")
async def live() -> Health:
    """Check that the process responds."""
    return Health(status="live")


@monitoring.head("/health/ready", include_in_schema=False)
@monitoring.get("/health/ready", responses={503: {"description": "The server is stopping."}})
async def ready(request: Request) -> Health:
    """Check that the server accepts requests; 503 while it stops."""
    get_service(request).require_running()
    return Health(status="ready")


@monitoring.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Get metrics in Prometheus's text format."""
    return Response(
        generate_latest(get_service(request).metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


async def page() -> FileResponse:
    """Return the web page."""
    return FileResponse(_PAGE / "index.html")


def make_app(service: Service, host: str, token: str | None = None) -> ASGIApp:
    """Create the application of a service.

    Args:
        service: The service.
        host: The address on which the server listens.
        token: The token that requests to /v1 and /metrics must send; None if they need none.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(service.run())
        yield
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    app = FastAPI(
        title="optotype",
        version=version("optotype"),
        summary="Image classification over HTTP",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers=dict(HANDLERS),
    )
    app.state.service = service
    app.include_router(api)
    app.include_router(monitoring)
    add_docs(app)
    app.mount("/page", StaticFiles(directory=_PAGE))
    app.add_api_route("/", page, methods=["GET", "HEAD"], include_in_schema=False)
    if token is not None:
        add_token_scheme(app)
    limits = service.limits
    limited = ShutdownResponse(BodyLimits(ConcurrencyLimit(app, limits), limits))
    return MetricsMiddleware(Guard(limited, host, token, limits), service.metrics)
