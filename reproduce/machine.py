"""What a time was measured on: the processor by name, its cores, the system; nothing that names the machine itself."""

import os
import platform
from pathlib import Path

from reproduce.results import Frozen


class Machine(Frozen):
    """A machine, as far as it decides how long something takes.

    Attributes:
        processor: Its name as the system gives it.
        cores: Logical processors this process may use.
        system: Operating system and architecture.
    """

    processor: str
    cores: int
    system: str

    def __str__(self) -> str:
        return f"{self.processor}, {self.cores} cores, {self.system}"


def this_machine() -> Machine:
    """Look at the machine this runs on."""
    system = f"{platform.system()} {platform.machine()}"
    return Machine(processor=_processor(), cores=len(usable_cores()), system=system)


def usable_cores() -> list[int]:
    """List the numbers of the logical processors this process may use."""
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
    # Virtual machines hide the name; the numbers still tell the generation.
    return f"{name} (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else name
