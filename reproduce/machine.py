"""The machine of a measurement: processor, cores and system; nothing that identifies the machine itself."""

import os
import platform
from pathlib import Path

from reproduce.results import Frozen


class Machine(Frozen):
    """The properties of a machine that affect a timing.

    Attributes:
        processor: The name that the system reports.
        cores: The number of logical processors that this process may use.
        system: Operating system and architecture.
    """

    processor: str
    cores: int
    system: str

    def __str__(self) -> str:
        return f"{self.processor}, {self.cores} cores, {self.system}"


def this_machine() -> Machine:
    """Return this machine."""
    system = f"{platform.system()} {platform.machine()}"
    return Machine(processor=_processor(), cores=len(usable_cores()), system=system)


def usable_cores() -> list[int]:
    """Return the numbers of the logical processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if not table.exists():
        return platform.processor() or "unknown processor"
    first = table.read_text(encoding="utf-8").split("\n\n")[0]
    facts = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())
    }
    name = " ".join(facts.get("model name", "unknown processor").split())
    # Virtual machines hide the name; family and model still identify the generation.
    return f"{name} (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else name
