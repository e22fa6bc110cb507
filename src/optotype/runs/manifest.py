"""run.json: what a run folder is of, and how the run stands. It is the first file of a run to be written."""

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from optotype.data.dataset import Dataset, Options

FORMAT: Final = 1
"""Version of run.json; a higher one is refused."""

Status = Literal["running", "finished", "interrupted", "diverged"]
Count = Annotated[int, Field(ge=1, strict=True)]


class DataRecord(BaseModel):
    """Which data a run was trained on.

    Attributes:
        name: The data set's name.
        source: What ``load`` takes to get it again; "arrays" for what was in memory only.
        options: What else ``load`` takes for that; records of older runs have none.
        images: Training images, validation included.
        shape: Of an image, (height, width, channels).
        fingerprint: Of training images, labels and class names.
        test_images: Images in the sealed test split.
        test_fingerprint: Of the sealed test split.
        added: How many of the images, the last ones, were added to the source's own.
        source_fingerprint: What the fingerprint is without them; None where there are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    options: Options = Options()
    images: Count
    shape: tuple[Count, Count, Count]
    fingerprint: str
    test_images: Annotated[int, Field(ge=0, strict=True)]
    test_fingerprint: str
    added: Annotated[int, Field(ge=0, strict=True)] = 0
    source_fingerprint: str | None = None

    @model_validator(mode="after")
    def _check_added(self) -> Self:
        if self.added >= self.images or (self.added > 0) != (self.source_fingerprint is not None):
            raise ValueError("added images need some that they were added to, and a fingerprint of those")
        return self

    @property
    def own_images(self) -> int:
        """How many of the images are the source's own."""
        return self.images - self.added

    @property
    def own_fingerprint(self) -> str:
        """The fingerprint without what was added."""
        return self.source_fingerprint or self.fingerprint

    def of_source(self) -> "DataRecord":
        """Give the record of the source alone, without what was added."""
        return self.model_copy(
            update={
                "options": replace(self.options, add=None),
                "images": self.own_images,
                "fingerprint": self.own_fingerprint,
                "added": 0,
                "source_fingerprint": None,
            }
        )


class Manifest(BaseModel):
    """What run.json holds.

    Attributes:
        format: Version of the file.
        status: "running" until the run is closed; a killed run stays so.
        reason: Why it ended, where there is more to say.
        created: When it began, UTC in ISO 8601.
        closed: When it ended; None while it runs.
        pid: Process that trains it.
        host: Machine that the process is on.
        data: What it is trained on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    status: Status = "running"
    reason: str = ""
    created: str
    closed: str | None = None
    pid: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
    host: str
    data: DataRecord


def new_manifest(data: Dataset) -> Manifest:
    """Describe a run of this process on some data that begins now."""
    record = DataRecord(
        name=data.name,
        source=data.source,
        options=data.options,
        images=len(data.images),
        shape=data.shape,
        fingerprint=data.fingerprint,
        test_images=data.test.n,
        test_fingerprint=data.test.fingerprint,
        added=len(data.labels) - data.own_images,
        source_fingerprint=data.addition and data.addition.own_fingerprint,
    )
    return Manifest(created=now(), pid=os.getpid(), host=socket.gethostname(), data=record)


def closed_manifest(manifest: Manifest, status: Status, reason: str) -> Manifest:
    """Give the manifest of a run that ended now, with the reason as one line."""
    update = {"status": status, "reason": " ".join(reason.split()), "closed": now()}
    return manifest.model_copy(update=update)


def now() -> str:
    """Give the time, UTC in ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def is_alive(manifest: Manifest) -> bool | None:
    """Say whether the process of a run still exists; None where it is on another machine."""
    if manifest.host != socket.gethostname():
        return None
    try:
        os.kill(manifest.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
