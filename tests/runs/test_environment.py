"""What is recorded of the machine."""

import json
from datetime import UTC, datetime
from pathlib import Path

from optotype.runs.environment import describe_environment, processor_name


def test_environment_is_plain_json() -> None:
    """The environment holds versions, processor and what the engine used, as JSON values."""
    environment = describe_environment("amx", 3, "bf16")
    assert json.loads(json.dumps(environment)) == environment
    assert (environment["isa"], environment["threads"], environment["precision"]) == ("amx", 3, "bf16")
    assert all(environment[key] for key in ("optotype", "python", "numpy", "system", "processor", "cores"))
    started = datetime.fromisoformat(str(environment["started"]))
    assert started.tzinfo == UTC


def test_processor_name(tmp_path: Path) -> None:
    """The processor is called what the system calls it, or by its architecture where the system does not say."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some Processor @ 2 GHz\nmodel name\t: again\n")
    assert processor_name(cpuinfo) == "Some Processor @ 2 GHz"
    assert processor_name(tmp_path / "none")
