"""run.json: the data and the status of a run. It is the first file that a run writes."""

import os
import socket
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from optotype.data.dataset import Dataset
from optotype.models.provenance import DataRecord

FORMAT: Final = 1
"""Version of run.json; a higher one is refused."""

Status = Literal["running", "finished", "interrupted", "diverged"]


class Manifest(BaseModel):
    """The content of run.json.

    Attributes:
        format: Version of the file.
        status: "running" until the run is closed; a killed run keeps this status.
        reason: Details of how the run ended; empty if there are none.
        created: Start of the run, UTC in ISO 8601.
        closed: End of the run; None while it is running.
        pid: Process that trains it.
        host: Machine of that process.
        data: The data set that it is trained on.
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
    """Return the manifest of a run of this process that starts now."""
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
    return Manifest(created=utc_now(), pid=os.getpid(), host=socket.gethostname(), data=record)


def closed_manifest(manifest: Manifest, status: Status, reason: str) -> Manifest:
    """Return the manifest of a run that ended now, with the reason in one line."""
    update = {"status": status, "reason": " ".join(reason.split()), "closed": utc_now()}
    return manifest.model_copy(update=update)


def utc_now() -> str:
    """Return the current time, UTC in ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def is_process_alive(manifest: Manifest) -> bool | None:
    """Return whether the process of a run still exists; None if it ran on another machine."""
    if manifest.host != socket.gethostname():
        return None
    try:
        os.kill(manifest.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
