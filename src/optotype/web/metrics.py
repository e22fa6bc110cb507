"""Prometheus metrics of the server."""

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
_CLIENT_CLOSED_REQUEST: Final = 499
"""nginx's status for a client that left before its request was complete; no response was sent."""
_DURATION_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BATCH_SIZE_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Metrics of one server, named after Prometheus's naming guide.

    Attributes:
        registry: The registry of all metrics.
        requests: Requests by path and status.
        seconds: Request durations by path, in seconds.
        images: Predicted images.
        batch_images: Images per batch.
        queued_images: Images that wait for a batch.
        reloads: Model reloads by result: "succeeded" or "failed".
        model: The served model's name and fingerprint, as labels.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "optotype_requests",
            "Requests by path and response status; 499 if the client left.",
            ["path", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "optotype_request_seconds",
            "Time from a request's headers to the end of its response.",
            ["path"],
            buckets=_DURATION_BUCKETS,
            registry=self.registry,
        )
        self.images = Counter("optotype_images", "Predicted images.", registry=self.registry)
        self.batch_images = Histogram(
            "optotype_batch_images", "Images per batch.", buckets=_BATCH_SIZE_BUCKETS, registry=self.registry
        )
        self.queued_images = Gauge(
            "optotype_queued_images", "Images that wait for a batch.", registry=self.registry
        )
        self.reloads = Counter(
            "optotype_model_reloads", "Model reloads by result.", ["result"], registry=self.registry
        )
        self.model = Gauge(
            "optotype_model_info",
            "1 for the served model.",
            ["name", "fingerprint"],
            registry=self.registry,
        )


class MetricsMiddleware:
    """ASGI middleware that counts and times requests.

    Args:
        app: The application.
        metrics: The metrics to update.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward the request, then record its status and duration."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), _CLIENT_CLOSED_REQUEST

        async def track_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        # Clients choose the path. Only known paths become labels, so the number of labels stays small.
        path = scope["path"] if scope["path"] in _PATHS else "other"
        try:
            await self._app(scope, receive, track_status)
        except BaseException:
            status = 500 if status == _CLIENT_CLOSED_REQUEST else status
            raise
        finally:
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(perf_counter() - start)
