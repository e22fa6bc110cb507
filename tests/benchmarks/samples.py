"""Small artificial measurements and benchmark sides."""

import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.children import Side
from benchmarks.environments import Environment
from benchmarks.results import Measured
from reproduce.machine import Machine

HERE: Final = Environment(str(Path(sys.executable).parents[1]))


def fake(name: str, **settings: Any) -> Side:
    """Create a side that computes nothing."""
    return Side(name, "tests.benchmarks.fake_side", HERE, {"name": name, **settings}, {"MOOD": "fine"})


def measured(line: str, values: dict[str, tuple[float, ...]], **fields: Any) -> Measured:
    """Create a record; if it has peaks, its arithmetic is 10 GFLOP."""
    return Measured(
        line=line,
        date="2026-11-22",
        machine=Machine(processor="one", cores=2, system="Linux"),
        versions={"python": "3.11"},
        unit="s",
        values=values,
        flop=1e10 if "peaks" in fields else 0.0,
        **fields,
    )


SMALL: Final = measured(
    "cnn-small",
    {"optotype bf16": (1.0, 3.0, 2.0), "optotype fp32": (4.0,), "keras jax": (13.0,), "torch bf16": (18.0,)},
    tried={"torch bf16": 17.0, "keras jax": 12.0},
    checks={"optotype bf16": 0.98, "optotype fp32": 0.98, "keras jax": 0.97, "torch bf16": 0.5},
    peaks={"optotype bf16": (50.0,), "optotype fp32": (10.0,)},
)
