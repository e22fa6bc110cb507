"""The record of a run's environment."""

import json
from datetime import UTC, datetime
from pathlib import Path

from optotype.models.provenance import Environment
from optotype.runs.environment import describe_environment, processor_name


def test_environment() -> None:
    """The environment has versions, processor and the engine's settings, and can be written as JSON."""
    environment = describe_environment("amx", 3, "bf16")
    assert Environment.model_validate_json(json.dumps(environment.model_dump())) == environment
    assert (environment.isa, environment.threads, environment.precision) == ("amx", 3, "bf16")
    assert all(value for value in environment.model_dump().values())
    started = datetime.fromisoformat(str(environment.started))
    assert started.tzinfo == UTC


def test_processor_name(tmp_path: Path) -> None:
    """The processor's name is the system's model name, or its architecture without one."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some Processor @ 2 GHz\nmodel name\t: again\n")
    assert processor_name(cpuinfo) == "Some Processor @ 2 GHz"
    assert processor_name(tmp_path / "none")
