"""Locks between processes and threads."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from optotype.storage.locks import locked

_HOLD = "import sys, time; from optotype.storage.locks import locked; from pathlib import Path\n"
_HOLD += "with locked(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"


def test_lock_excludes_other_threads(tmp_path: Path) -> None:
    """While one thread holds the lock, another one waits for it."""
    acquired = threading.Event()

    def acquire() -> None:
        with locked(tmp_path / "lock"):
            acquired.set()

    with locked(tmp_path / "lock"):
        thread = threading.Thread(target=acquire)
        thread.start()
        assert not acquired.wait(0.1)
    thread.join(10)
    assert acquired.is_set()


def test_lock_of_a_killed_process_is_released(tmp_path: Path) -> None:
    """A lock whose holder was killed can be acquired, and its file stays, empty."""
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        holder.kill()
    with locked(path):
        pass
    assert path.read_bytes() == b""


@pytest.mark.parametrize("path", ["missing/lock", "/proc/lock"])
def test_lock_file_that_cannot_be_created_raises_os_error(tmp_path: Path, path: str) -> None:
    """If the folder is missing or takes no files, an OSError is raised instead of a wait, and no folder is created."""
    with pytest.raises(OSError, match="lock"), locked(tmp_path / path):
        pass
    assert list(tmp_path.iterdir()) == []
