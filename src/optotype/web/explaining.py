"""Explanations of predictions; their computations take turns with batches of predictions."""

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
from optotype.web.problems import RETRY_AFTER_1_SECOND
from optotype.web.served_model import ServedModel

Compute = Callable[[Callable[[], NDArray[np.float32]]], NDArray[np.float32]]
"""Calls a function in the model's thread and returns its result."""

_MAX_WAITING: Final = 8
_NEIGHBOURS: Final = 6
_CLOSE_SECONDS: Final = 2.0
_NO_RUN: Final = "Only the model file is served. Similar training images need its run folder."
_PREPARING: Final = "The server is still computing the training images' features."

log = logging.getLogger("optotype.web")


class _StoppedError(Exception):
    """The preparation was stopped."""


class Explainer:
    """Explains the predictions of one model.

    Args:
        served: The model.
        compute: Runs a function in the model's thread.

    Attributes:
        neighbours_state: Whether similar training images are available.
        note: Why they are not, or what they leave out, in a sentence; None if there is nothing to note.
    """

    def __init__(self, served: ServedModel, compute: Compute) -> None:
        self.neighbours_state: Literal["ready", "preparing", "unavailable"] = "unavailable"
        self.note: str | None = _NO_RUN
        self._served = served
        self._compute = compute
        self._neighbours: Neighbours | None = None
        self._stopped = False
        self._waiting = 0
        self._preparation: Thread | None = None
        self._thread = ThreadPoolExecutor(1, "optotype-explain")
        if served.run is not None:
            self.neighbours_state, self.note = "preparing", _PREPARING
            # A daemon thread: loading data may take long, and nothing is lost if the process ends meanwhile.
            self._preparation = Thread(target=self._prepare, name="optotype-neighbours", daemon=True)
            self._preparation.start()

    async def explain(self, image: Pixels, label: str) -> tuple[Occlusion, list[Neighbour], str | None]:
        """Return the occlusion map of an image for a class, its nearest training images, and the note about them.

        Args:
            image: Model input of shape (h, w, c).
            label: Name of the class.

        Raises:
            HTTPException: If too many explanations are already waiting (429).
        """
        if self._waiting >= _MAX_WAITING:
            raise HTTPException(
                429,
                f"{_MAX_WAITING} explanations are already waiting. Retry in 1 second.",
                RETRY_AFTER_1_SECOND,
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._explain, image, label)
        finally:
            self._waiting -= 1

    def stop_preparing(self) -> None:
        """Stop the preparation; requests that started with this model are still explained.

        Its thread ends with the last of them: an executor without references ends its threads.
        """
        self._stopped = True

    def close(self) -> None:
        """Stop the preparation and wait up to 2 seconds for it: it could still compute while the process ends."""
        self.stop_preparing()
        if self._preparation is not None:
            self._preparation.join(_CLOSE_SECONDS)

    def _explain(self, image: Pixels, label: str) -> tuple[Occlusion, list[Neighbour], str | None]:
        occlusion_map = occlusion(self._served.model, image, label, logits=self._logits)
        # The note is read first: if the neighbours became ready in between, it would describe images that are missing.
        note, neighbours = self.note, self._neighbours
        if neighbours is None:
            return occlusion_map, [], note
        nearest = neighbours.nearest(image, _NEIGHBOURS, features=self._features)
        return occlusion_map, nearest, neighbours.note

    def _prepare(self) -> None:
        try:
            self._neighbours = Neighbours.fit(self._served.model, features=self._features_unless_stopped)
        except (OptotypeError, OSError) as error:
            self.neighbours_state, self.note = "unavailable", str(error)
        except Exception:
            if not self._stopped:
                log.exception("The training images' features could not be computed")
            self.neighbours_state = "unavailable"
            self.note = "The training images' features could not be computed. The server's log says why."
        else:
            self.neighbours_state, self.note = "ready", self._neighbours.note

    def _logits(self, images: Pixels) -> NDArray[np.float32]:
        return self._compute(lambda: self._served.model.network.logits(images))

    def _features_unless_stopped(self, images: Pixels) -> NDArray[np.float32]:
        if self._stopped:
            raise _StoppedError
        return self._features(images)

    def _features(self, images: Pixels) -> NDArray[np.float32]:
        return self._compute(lambda: self._served.model.network.logits_and_features(images)[1])
