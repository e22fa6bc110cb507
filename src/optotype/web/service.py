"""The service: the model that is served now, the queue before it, and what else a server keeps while it runs."""

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
from optotype.web.batching import Batches, QueueFullError
from optotype.web.explaining import Explainer
from optotype.web.limits import Limits
from optotype.web.metrics import Metrics
from optotype.web.problems import LATER, SOON
from optotype.web.served import Served, load_served

_T = TypeVar("_T")

_DECODERS: Final = 4
"""Threads that decode pictures: a large one keeps one of them busy, not the others."""

log = logging.getLogger("optotype.web")


class Service:
    """What answers requests; HTTP knows nothing else of the package.

    Args:
        target: The run folder or model file that is served.
        limits: What it takes on.
        collect: The folder where corrections are kept; None to take none.

    Raises:
        RunError: There is nothing to serve.
        ModelError: The model is damaged.
        DataError: The folder cannot take corrections of the model's classes.

    Attributes:
        served: The model that is served now; a request takes it once, and keeps it to its end.
        explainer: What explains its answers.
        corrections: The folder where they are kept; None where none are taken.
        limits: What it takes on.
        metrics: What it counts.
        stopping: Whether it takes nothing new on.
    """

    def __init__(self, target: Path, limits: Limits, collect: Path | None = None) -> None:
        self._target, self._collect = target, collect
        self.served, self.corrections = self._load()
        self.limits = limits
        self.metrics = Metrics()
        self.stopping = False
        self._batches = Batches(limits.waiting, self.metrics)
        self.explainer = Explainer(self.served, self._batches.compute)
        self._decoders = ThreadPoolExecutor(_DECODERS, "optotype-decoder")
        self._reloading = asyncio.Lock()
        self._tell(self.served)

    async def run(self) -> None:
        """Answer until cancelled."""
        try:
            await self._batches.answer()
        finally:
            self._batches.close()
            self.explainer.close()
            self._decoders.shutdown(wait=False, cancel_futures=True)

    def require_running(self) -> None:
        """Refuse what comes while the server stops.

        Raises:
            HTTPException: It stops.
        """
        if self.stopping:
            raise HTTPException(503, "The server is being stopped. Ask again when it is back.", LATER)

    async def decode(self, work: Callable[[], _T]) -> _T:
        """Do what takes a while and needs no model, in a thread beside the others."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, work)

    async def predict(self, served: Served, images: Pixels, coverage: float) -> list[Prediction]:
        """Predict images; arguments as for `Batches.predict`.

        Raises:
            HTTPException: Too many images wait already.
        """
        try:
            predictions = await self._batches.predict(served, images, coverage)
        except QueueFullError:
            raise HTTPException(
                429,
                f"More than {self.limits.waiting} images wait already. Ask again in a second.",
                SOON,
            ) from None
        self.metrics.images.inc(len(images))
        return predictions

    async def reload(self) -> None:
        """Load the target again, beside the model that is served; that goes on where the new one is no good."""
        async with self._reloading:
            try:
                served, corrections = await self.decode(self._load)
            except (OptotypeError, OSError) as error:
                self.metrics.reloads.labels("failed").inc()
                log.warning("The model was not reloaded, the one before is served on: %s", error)
                return
            except Exception:
                self.metrics.reloads.labels("failed").inc()
                log.exception("The model was not reloaded, the one before is served on")
                return
            self.explainer.retire()
            self.served, self.corrections = served, corrections
            self.explainer = Explainer(served, self._batches.compute)
            self.metrics.reloads.labels("done").inc()
            self._tell(served)
            log.warning("The model was reloaded: %s", served.fingerprint)

    def _load(self) -> tuple[Served, Corrections | None]:
        served = load_served(self._target)
        if self._collect is None:
            return served, None
        source = Path(served.source or "")
        if source.is_absolute() and source.is_dir():  # neither a name nor a file
            check_no_overlap(self._collect.resolve(), source.resolve())
        return served, Corrections(self._collect, served.model.class_names)

    def _tell(self, served: Served) -> None:
        self.metrics.model.clear()
        self.metrics.model.labels(served.model.recipe.name, served.fingerprint).set(1)
