"""Small archives in the published formats."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.training.samples import write_idx


def emnist_zip(path: Path, images: NDArray[Any], labels: NDArray[Any], variant: str = "letters") -> Path:
    """Write images, transposed as in the archive, and labels as both splits of an EMNIST data set."""
    idx = path.with_suffix(".idx")
    with zipfile.ZipFile(path, "w") as archive:
        for split in ("train", "test"):
            for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
                write_idx(idx, array)
                archive.writestr(
                    f"gzip/emnist-{variant}-{split}-{kind}-ubyte.gz", gzip.compress(idx.read_bytes())
                )
        archive.writestr("gzip/../../evil", b"evil")
    idx.unlink()
    return path


def tar_gz(path: Path, members: dict[str, bytes]) -> Path:
    """Write files as a compressed tar archive."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            add(archive, tarfile.TarInfo(name), content)
    return path


def add(archive: tarfile.TarFile, member: tarfile.TarInfo, content: bytes = b"") -> None:
    """Add a member with that content."""
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def cifar_records(images: NDArray[np.uint8], *labels: NDArray[np.uint8]) -> bytes:
    """Return images of shape (n, 32, 32, 3) in CIFAR's binary format, after their labels."""
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([*(label[:, np.newaxis] for label in labels), planes], axis=1).tobytes()
