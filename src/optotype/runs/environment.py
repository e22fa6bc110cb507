"""What a run was computed with: versions, processor, and what the engine made of them."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from optotype.engine.processor import Precision
from optotype.runs.manifest import now


def describe_environment(isa: str, threads: int, precision: Precision) -> dict[str, JsonValue]:
    """Describe this process and machine, as plain JSON.

    Args:
        isa: Instruction set that the engine uses.
        threads: Threads that it uses.
        precision: Of its training; what the recipe's "auto" came to.

    Returns:
        "optotype", "python", "numpy" (versions), "system", "processor", "cores", "isa", "threads", "precision" and
        "started" (UTC in ISO 8601).
    """
    return {
        "optotype": _version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "isa": isa,
        "threads": threads,
        "precision": precision,
        "started": now(),
    }


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Give the processor's model name where the system tells it, else its architecture."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version() -> str:
    try:
        return version("optotype")
    except PackageNotFoundError:
        return "not installed"
