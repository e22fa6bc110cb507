"""Untrusted Keras files: any content is a model or a ModelError, and no other file is read."""

import contextlib
import io
import multiprocessing
import random
import signal
import subprocess
import zipfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optotype.errors import ModelError
from optotype.exporting.keras import hdf5_worker, model_file
from optotype.exporting.keras.from_keras import from_keras

KERNEL = "layers/conv2d/vars/0"
WORKER_SECONDS = 2.0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Save a model in both file formats."""
    layers = [
        keras.Input((6, 5, 1)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(3, 2, kernel_initializer="ones"),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax", kernel_initializer="ones"),
    ]
    folder = tmp_path_factory.mktemp("keras")
    for suffix in (".keras", ".h5"):
        keras.Sequential(layers).save(folder / f"model{suffix}")
    return {suffix: (folder / f"model{suffix}").read_bytes() for suffix in (".keras", ".h5")}


pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*HDF5 file via `model.save"),
]


def _convert(sender: Connection, content: bytes) -> None:
    try:
        result = (0, hdf5_worker.convert(content), b"")
    except Exception as error:  # noqa: BLE001 - as in the worker
        result = (1, b"", str(error).encode())
    sender.send(result)


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read HDF5 in a fork of this process, which starts faster than the worker; a damaged file may crash it or hang."""
    fork = multiprocessing.get_context("fork")

    def run(command: list[str], *, input: bytes, **_: object) -> subprocess.CompletedProcess[bytes]:  # noqa: A002
        receiver, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=_convert, args=(sender, input))
        process.start()
        sender.close()
        try:
            if not receiver.poll(WORKER_SECONDS):
                raise subprocess.TimeoutExpired(command, WORKER_SECONDS)
            return subprocess.CompletedProcess(command, *receiver.recv())
        except EOFError:
            return subprocess.CompletedProcess(command, -signal.SIGSEGV, b"", b"")
        finally:
            process.kill()
            process.join()
            receiver.close()

    monkeypatch.setattr(subprocess, "run", run)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_mutated_files_are_models_or_model_errors(
    tmp_path: Path, files: dict[str, bytes], forked: None, suffix: str, seed: int
) -> None:
    """A file that is cut or whose bytes are changed is a model or a ModelError of one printable line."""
    del forked
    rng = random.Random(seed)  # noqa: S311 - not a secret
    content = bytearray(files[suffix])
    for _ in range(rng.randint(1, 5)):
        index = rng.randrange(len(content) if rng.random() < 0.5 else min(len(content), 4000))
        match rng.choice(["change", "size", "insert", "remove", "cut"]):
            case "change":
                content[index] = rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])
            case "size":
                content[index : index + 8] = (2 ** rng.randint(0, 63)).to_bytes(8, "little")
            case "insert":
                content[index:index] = rng.randbytes(rng.randint(1, 9))
            case "remove":
                del content[index : index + rng.randint(1, 9)]
            case "cut" if rng.random() < 0.2:
                del content[max(index, 100) :]
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    try:
        from_keras(path)
    except ModelError as error:
        assert str(error).isprintable(), str(error)  # noqa: PT017 - not every file is an error


def _with_weights(path: Path, content: bytes, change: Callable[[Any], None]) -> None:
    """Write a .keras file after changing its weights with h5py."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config, weights = archive.read("config.json"), io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        change(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", weights.getvalue())


def _replacing_kernel(make: Callable[[Any], None]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[KERNEL]
        make(file)

    return change


@pytest.mark.parametrize(
    "make",
    [
        lambda file: file.__setitem__(KERNEL, h5py.ExternalLink("secret.h5", "kernel")),
        lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/layers/conv2d/vars/1")),
        lambda file: file.create_dataset(
            KERNEL, (2, 2, 1, 3), "<f4", external=[("secret.raw", 0, h5py.h5f.UNLIMITED)]
        ),
        lambda file: file.create_dataset(KERNEL, (2, 2, 1, 3), "<f4", compression="gzip"),
        lambda file: file.create_dataset(KERNEL, (2, 2, 1, 3), "<f4", chunks=True),
        lambda file: file.create_dataset(KERNEL, (2, 2, 1, 3), "<f8"),
        lambda file: file.create_virtual_dataset(KERNEL, _virtual()),
        lambda file: file.create_group(KERNEL),
    ],
)
def test_only_plain_weights_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], make: Callable[[Any], None]
) -> None:
    """Links to other files, external, compressed, chunked and virtual data and other types are not read."""
    monkeypatch.chdir(tmp_path)
    with h5py.File("secret.h5", "w") as file:
        file["kernel"] = np.ones((2, 2, 1, 3), np.float32)
    Path("secret.raw").write_bytes(np.ones(12, np.float32).tobytes())
    _with_weights(tmp_path / "model.keras", files[".keras"], _replacing_kernel(make))
    with pytest.raises(ModelError, match=r"has no 'kernel' as a plain array of float32"):
        from_keras("model.keras")


def _virtual() -> Any:
    layout = h5py.VirtualLayout((2, 2, 1, 3), "<f4")
    layout[:] = h5py.VirtualSource("secret.h5", "kernel", (2, 2, 1, 3))
    return layout


def test_huge_declared_weights_are_an_error(tmp_path: Path, files: dict[str, bytes]) -> None:
    """A small file that declares gigabytes of zeros is an error before they are allocated."""

    def make(file: Any) -> None:
        file.create_dataset(KERNEL, (1 << 31,), "<f4")

    _with_weights(tmp_path / "model.keras", files[".keras"], _replacing_kernel(make))
    assert (tmp_path / "model.keras").stat().st_size < 100_000
    with pytest.raises(ModelError, match="536870912 bytes of weights"):
        from_keras(tmp_path / "model.keras")


def test_zip_bomb_is_an_error(tmp_path: Path) -> None:
    """A description of more than 10 MB is an error; no more than that is decompressed."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 20_000_000)
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(ModelError, match=r"config.json decompresses to more than 10,000,000 bytes"):
        from_keras(path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "neither a zip file nor HDF5"),
        (b"\x80\x04\x95pickle", "neither a zip file nor HDF5"),
        (b"PK\x03\x04", "damaged zip file"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 is damaged"),
    ],
)
def test_other_files_are_errors(tmp_path: Path, content: bytes, text: str) -> None:
    """A file that is not a Keras model is an error with its path."""
    path = tmp_path / "model.h5"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        from_keras(path)
    assert text in str(caught.value)
    assert str(path) in str(caught.value)


def test_weights_without_layers_are_an_error(tmp_path: Path, files: dict[str, bytes]) -> None:
    """An .h5 file of save_weights is an error, because it has no description of the layers."""
    with zipfile.ZipFile(io.BytesIO(files[".keras"])) as archive:
        (tmp_path / "model.weights.h5").write_bytes(archive.read("model.weights.h5"))
    with pytest.raises(ModelError, match="no description of the layers"):
        from_keras(tmp_path / "model.weights.h5")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    """A missing file, a folder and an invalid path are ModelErrors."""
    for path in (tmp_path / "missing", tmp_path, Path("nul\0"), tmp_path / ("x" * 300)):
        with pytest.raises(ModelError, match="Cannot read the Keras model"):
            from_keras(path)


def test_crash_or_timeout_of_the_worker_is_an_error(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process that reads HDF5 crashes or hangs, this process raises a ModelError."""
    path = tmp_path / "model.h5"
    path.write_bytes(files[".h5"])

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("reader", 120)

    crashed = subprocess.CompletedProcess([], -11, b"", b"")
    for fake, text in ((lambda *_, **__: crashed, "the reader crashed"), (hang, "longer than 120 s")):
        with monkeypatch.context() as patched, contextlib.ExitStack() as stack:
            patched.setattr(subprocess, "run", fake)
            stack.enter_context(pytest.raises(ModelError, match=text))
            from_keras(path)


def test_missing_h5py_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without h5py the message names the command that installs it."""
    monkeypatch.setattr(model_file, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'optotype\[keras\]'"):
        from_keras(tmp_path / "model.keras")
