"""Settings of all tests: Hypothesis is deterministic and without deadline; the oracle is Keras on JAX without jit."""

import os
import signal
import sysconfig
from pathlib import Path

import hypothesis
import pytest

# A shell's background job begins with Ctrl-C ignored, and so does what it starts: the tests of Ctrl-C would wait for
# ever. A handler is not inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The commands that were installed for the tests (optotype, cmake, ninja) are found before any others.
os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"]

# Before Keras and JAX are first imported, in this process and in those it starts (docs/decisions/0005-oracle.md).
os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_DISABLE_JIT"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

# Derandomized, so that a commit that passed passes again.
hypothesis.settings.register_profile("optotype", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("optotype")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a separate cache folder for every test, so that no test touches the user's cache."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("OPTOTYPE_HOME", str(folder))
    return folder
