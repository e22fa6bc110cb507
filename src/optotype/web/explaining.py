"""Why the model says what it says, beside the predictions: what is computed for it takes its turn between batches."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from optotype.errors import OptotypeError
from optotype.explaining.neighbours import Neighbour, Neighbours
from optotype.explaining.occlusion import Occlusion, occlusion
from optotype.models.inputs import Pixels
from optotype.web.problems import SOON
from optotype.web.served import Served

Compute = Callable[[Callable[[], NDArray[np.float32]]], NDArray[np.float32]]
"""Does something with the model in the one thread that may, and waits for it."""

_WAITING: Final = 8
_NEIGHBOURS: Final = 6
_MOMENT: Final = 2.0  # seconds
_NO_RUN: Final = (
    "Only the model file is served; similar training images need the run folder that it comes from."
)
_PREPARING: Final = "The training images are still being looked through."

log = logging.getLogger("optotype.web")


class _StoppedError(Exception):
    """Nobody needs what is being prepared any more."""


class Explainer:
    """Explains the answers of one model.

    Args:
        served: The model.
        compute: What does something with it.

    Attributes:
        similar: Whether similar training images are known.
        note: Why not, or what they leave out, in a sentence; None where there is nothing to say.
    """

    def __init__(self, served: Served, compute: Compute) -> None:
        self.similar: Literal["ready", "preparing", "absent"] = "absent"
        self.note: str | None = _NO_RUN
        self._served = served
        self._compute = compute
        self._neighbours: Neighbours | None = None
        self._stopped = False
        self._waiting = 0
        self._preparing: Thread | None = None
        self._thread = ThreadPoolExecutor(1, "optotype-explain")
        if served.run is not None:
            self.similar, self.note = "preparing", _PREPARING
            # A daemon: what loads data may take long, and nothing is lost when the process ends meanwhile.
            self._preparing = Thread(target=self._prepare, name="optotype-similar", daemon=True)
            self._preparing.start()

    async def explain(self, image: Pixels, label: str) -> tuple[Occlusion, list[Neighbour], str | None]:
        """Say which parts of an image speak for a class, which training images are like it, and the note on these.

        Args:
            image: As the model takes it, of shape (h, w, c).
            label: Name of the class.

        Raises:
            HTTPException: Too many wait for explanations already.
        """
        if self._waiting >= _WAITING:
            raise HTTPException(429, f"{_WAITING} explanations wait already. Ask again in a second.", SOON)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._explain, image, label)
        finally:
            self._waiting -= 1

    def retire(self) -> None:
        """End what is being prepared; requests that began with this model are explained all the same.

        Its thread ends with the last of them: an executor that nobody holds any more ends its threads.
        """
        self._stopped = True

    def close(self) -> None:
        """End what is being prepared, and wait a moment: else it might still compute while the process ends."""
        self.retire()
        if self._preparing is not None:
            self._preparing.join(_MOMENT)

    def _explain(self, image: Pixels, label: str) -> tuple[Occlusion, list[Neighbour], str | None]:
        drops = occlusion(self._served.model, image, label, logits=self._logits)
        # In this order: were they ready in between, the note would say so of images that are not given.
        note, neighbours = self.note, self._neighbours
        if neighbours is None:
            return drops, [], note
        return drops, neighbours.nearest(image, _NEIGHBOURS, features=self._features), neighbours.note

    def _prepare(self) -> None:
        try:
            self._neighbours = Neighbours.fit(self._served.model, features=self._prepared)
        except (OptotypeError, OSError) as error:
            self.similar, self.note = "absent", str(error)
        except Exception:
            if not self._stopped:
                log.exception("The training images could not be looked through")
            self.similar, self.note = "absent", "The training images could not be looked through."
        else:
            self.similar, self.note = "ready", self._neighbours.note

    def _logits(self, images: Pixels) -> NDArray[np.float32]:
        return self._compute(lambda: self._served.model.network.logits(images))

    def _prepared(self, images: Pixels) -> NDArray[np.float32]:
        if self._stopped:
            raise _StoppedError
        return self._features(images)

    def _features(self, images: Pixels) -> NDArray[np.float32]:
        return self._compute(lambda: self._served.model.network.logits_and_features(images)[1])
