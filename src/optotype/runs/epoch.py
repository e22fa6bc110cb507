"""The record of one epoch, and epochs.jsonl, which grows by one line per epoch."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from optotype.runs.files import damaged_file_error, read_bytes, wrap_os_errors


@dataclass(frozen=True)
class Epoch:
    """The record of one pass over the training images.

    Attributes:
        epoch: Number of the epoch, from 1.
        loss: Mean training cross-entropy in nats, measured while the weights changed.
        accuracy: Share of training images that were classified correctly while the weights changed, in 0 .. 1.
        val_loss: Mean cross-entropy on the validation images after the epoch; with early stopping, on the half of them
            that chooses the epoch. None without validation.
        val_accuracy: Accuracy on the same images; None without validation.
        learning_rate: Learning rate of the epoch's last step.
        seconds: Wall-clock time, validation included.
        images: Number of training images in the epoch.
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
    """Append an epoch to a file with one JSON object per line, and flush it to the disk.

    Raises:
        RunError: If the file cannot be written.
    """
    line = json.dumps(asdict(epoch), allow_nan=False)
    with wrap_os_errors(path, "write"), path.open("ab") as file:
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """Read the epochs of a file that ``append_epoch`` wrote; none if the file does not exist yet.

    A last line without a line end was cut off when the process was killed, and is left out.

    Raises:
        RunError: If the file cannot be read, or a complete line is not an epoch or out of order; the message names the
            line.
    """
    if not path.exists():
        return ()
    epochs = []
    for number, line in enumerate(read_bytes(path).split(b"\n")[:-1], start=1):
        try:
            epoch = _EPOCH.validate_json(line)
        except ValidationError as error:
            raise damaged_file_error(
                path, f"has no valid epoch in line {number} ({error.errors()[0]['msg']})"
            ) from None
        if epoch.epoch != number:
            raise damaged_file_error(path, f"has epoch {epoch.epoch} in line {number}")
        epochs.append(epoch)
    return tuple(epochs)
