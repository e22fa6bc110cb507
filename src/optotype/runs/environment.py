"""The environment of a run: versions of software, the processor, and the engine's settings."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from optotype.engine.processor import Precision
from optotype.models.provenance import Environment
from optotype.runs.manifest import utc_now


def describe_environment(isa: str, threads: int, precision: Precision) -> Environment:
    """Return the environment of this process.

    Args:
        isa: Instruction set that the engine uses.
        threads: Number of threads that it uses.
        precision: Precision of training, as the engine resolved the recipe's "auto".
    """
    return Environment(
        optotype=_package_version(),
        python=platform.python_version(),
        numpy=np.__version__,
        system=platform.platform(),
        processor=processor_name(),
        cores=os.cpu_count(),
        isa=isa,
        threads=threads,
        precision=precision,
        started=utc_now(),
    )


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's model name, or its architecture if the system does not list the name."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _package_version() -> str:
    try:
        return version("optotype")
    except PackageNotFoundError:
        return "not installed"
