"""What the server counts, for Prometheus."""

from time import perf_counter
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PATHS: Final = (
    "/v1/predict",
    "/v1/explain",
    "/v1/corrections",
    "/v1/model",
    "/health/live",
    "/health/ready",
)
_GONE: Final = 499
"""What is counted where the client left before its request was there, as nginx does: nobody was answered."""
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one server, each named as Prometheus's guide on naming asks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "optotype_requests",
            "Requests, by the status of the answer; 499 where the client left.",
            ["path", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "optotype_request_seconds",
            "Time from a request's headers to the end of its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.images = Counter("optotype_images", "Images predicted.", registry=self.registry)
        self.batch_images = Histogram(
            "optotype_batch_images", "Images of a batch.", buckets=_SIZES, registry=self.registry
        )
        self.waiting = Gauge(
            "optotype_waiting_images", "Images that wait for a batch.", registry=self.registry
        )
        self.reloads = Counter(
            "optotype_model_reloads", "Reloads of the model.", ["result"], registry=self.registry
        )
        self.model = Gauge(
            "optotype_model_info",
            "1 for the model that is served.",
            ["name", "fingerprint"],
            registry=self.registry,
        )


class MetricsMiddleware:
    """An ASGI application whose requests are counted.

    Args:
        app: The application.
        metrics: Where they are counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the application, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status = perf_counter(), _GONE

        async def told(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        # Paths are anyone's; only ours become labels, so that there are never many.
        path = scope["path"] if scope["path"] in _PATHS else "other"
        try:
            await self._app(scope, receive, told)
        except BaseException:
            status = 500 if status == _GONE else status
            raise
        finally:
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(perf_counter() - begin)
