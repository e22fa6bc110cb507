"""What is recorded of one pass over the training images, and the file that grows by a line with each."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from optotype.runs.files import damaged, read_bytes, wrap_os_errors


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images.

    Attributes:
        epoch: Its number, from 1.
        loss: Mean training cross-entropy in nats, measured while the weights moved.
        accuracy: Share of training images that were classified correctly while the weights moved, in 0 .. 1.
        val_loss: Mean cross-entropy on the validation images after the epoch, on the half of them that is watched where
            the recipe stops early; None without validation.
        val_accuracy: Accuracy on them; None without validation.
        learning_rate: That of the epoch's last step.
        seconds: Wall-clock time, validation included.
        images: Training images that were seen.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float
    seconds: float
    images: int


_EPOCH: Final = TypeAdapter(Epoch)


def append_epoch(path: Path, epoch: Epoch) -> None:
    """Append an epoch to a file of one JSON object a line; it is on the disk when this returns.

    Raises:
        RunError: The file cannot be written.
    """
    line = json.dumps(asdict(epoch), allow_nan=False)
    with wrap_os_errors(path, "write"), path.open("ab") as file:
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """Read the epochs of a file that ``append_epoch`` wrote; none where there is no file yet.

    A last line without its end was torn when the process was killed, and is left out.

    Raises:
        RunError: The file cannot be read, or a whole line is no epoch or out of order; the message names the line.
    """
    if not path.exists():
        return ()
    epochs = []
    for number, line in enumerate(read_bytes(path).split(b"\n")[:-1], start=1):
        try:
            epoch = _EPOCH.validate_json(line)
        except ValidationError as error:
            raise damaged(path, f"has no epoch in line {number} ({error.errors()[0]['msg']})") from None
        if epoch.epoch != number:
            raise damaged(path, f"has epoch {epoch.epoch} in line {number}")
        epochs.append(epoch)
    return tuple(epochs)
