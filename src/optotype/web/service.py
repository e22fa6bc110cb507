"""The service behind the HTTP interface: the served model, its queue, explanations, corrections and metrics."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from starlette.exceptions import HTTPException

from optotype.data.feedback.additions import check_no_overlap
from optotype.data.feedback.corrections import Corrections
from optotype.errors import OptotypeError
from optotype.models.inputs import Pixels
from optotype.models.prediction import Prediction
from optotype.web.batching import Batcher, QueueFullError
from optotype.web.explaining import Explainer
from optotype.web.limits import Limits
from optotype.web.metrics import Metrics
from optotype.web.problems import RETRY_AFTER_1_SECOND, RETRY_AFTER_5_SECONDS
from optotype.web.served_model import ServedModel, load_served_model

_T = TypeVar("_T")

_DECODER_THREADS: Final = 4
"""Threads that decode image files: a large file occupies one of them, not the others."""

log = logging.getLogger("optotype.web")


class Service:
    """Everything that answers requests; the HTTP modules use nothing else of the package.

    Args:
        target: The run folder or model file to serve.
        limits: The server's limits.
        corrections_folder: The folder where corrections are saved; None to accept none.

    Raises:
        RunError: If the target does not exist or is damaged.
        ModelError: If the model is damaged.
        DataError: If the folder cannot take corrections of the model's classes.

    Attributes:
        served: The served model. A request reads it once and uses that model until its end.
        explainer: Explains the served model's predictions.
        corrections: The folder of corrections; None if corrections are not accepted.
        limits: The server's limits.
        metrics: The server's metrics.
        is_stopping: Whether new requests are rejected because the server stops.
    """

    def __init__(self, target: Path, limits: Limits, corrections_folder: Path | None = None) -> None:
        self._target, self._corrections_folder = target, corrections_folder
        self.served, self.corrections = self._load()
        self.limits = limits
        self.metrics = Metrics()
        self.is_stopping = False
        self._batcher = Batcher(limits.queued_images, self.metrics)
        self.explainer = Explainer(self.served, self._batcher.compute)
        self._decoders = ThreadPoolExecutor(_DECODER_THREADS, "optotype-decoder")
        self._reload_lock = asyncio.Lock()
        self._record_model(self.served)

    async def run(self) -> None:
        """Process the queue until cancelled."""
        try:
            await self._batcher.run()
        finally:
            self._batcher.close()
            self.explainer.close()
            self._decoders.shutdown(wait=False, cancel_futures=True)

    def require_running(self) -> None:
        """Check that the server is not stopping.

        Raises:
            HTTPException: If the server is stopping (503).
        """
        if self.is_stopping:
            raise HTTPException(503, "The server is stopping. Retry when it is back.", RETRY_AFTER_5_SECONDS)

    async def run_in_thread(self, function: Callable[[], _T]) -> _T:
        """Call a slow function that does not use the model, in one of the decoder threads."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, function)

    async def predict(self, served: ServedModel, images: Pixels, coverage: float) -> list[Prediction]:
        """Predict images; arguments as for `Batcher.predict`.

        Raises:
            HTTPException: If the queue is full (429).
        """
        try:
            predictions = await self._batcher.predict(served, images, coverage)
        except QueueFullError:
            raise HTTPException(
                429,
                f"The queue is full: at most {self.limits.queued_images} images can wait. Retry in 1 second.",
                RETRY_AFTER_1_SECOND,
            ) from None
        self.metrics.images.inc(len(images))
        return predictions

    async def reload(self) -> None:
        """Load the target again and serve it; if that fails, the current model stays in service."""
        async with self._reload_lock:
            try:
                served, corrections = await self.run_in_thread(self._load)
            except (OptotypeError, OSError) as error:
                self.metrics.reloads.labels("failed").inc()
                log.warning("The model was not reloaded; the previous model stays in service: %s", error)
                return
            except Exception:
                self.metrics.reloads.labels("failed").inc()
                log.exception("The model was not reloaded; the previous model stays in service")
                return
            self.explainer.stop_preparing()
            self.served, self.corrections = served, corrections
            self.explainer = Explainer(served, self._batcher.compute)
            self.metrics.reloads.labels("succeeded").inc()
            self._record_model(served)
            log.warning("The model was reloaded: %s", served.fingerprint)

    def _load(self) -> tuple[ServedModel, Corrections | None]:
        served = load_served_model(self._target)
        if self._corrections_folder is None:
            return served, None
        source = Path(served.source or "")
        if source.is_absolute() and source.is_dir():  # not a data set's name, and not a file
            check_no_overlap(self._corrections_folder.resolve(), source.resolve())
        return served, Corrections(self._corrections_folder, served.model.class_names)

    def _record_model(self, served: ServedModel) -> None:
        self.metrics.model.clear()
        self.metrics.model.labels(served.model.recipe.name, served.fingerprint).set(1)
