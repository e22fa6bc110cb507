"""The sides: optotype in each precision, and every setting of every peer that might be its fastest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from benchmarks.children import Side
from benchmarks.environments import KERAS, ONNX, OURS, TORCH
from optotype.engine.processor import available_isas

_OURS: Final = "benchmarks.sides.ours"
_KERAS: Final = "benchmarks.sides.keras"
_TORCH: Final = "benchmarks.sides.pytorch"
_HALF: Final = {"policy": "mixed_bfloat16"}

# Restrict every library to AVX2.
AVX2: Final = {
    "OPTOTYPE_ISA": "avx2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}


def _ours(precision: str) -> Side:
    return Side(f"optotype {precision}", _OURS, OURS, {"precision": precision})


# optotype with default settings.
PLAIN: Final = Side("optotype", _OURS, OURS)


def _keras(name: str, backend: str, **settings: Any) -> Side:
    environment = TORCH if backend == "torch" else KERAS
    return Side(f"keras {name}", _KERAS, environment, {"backend": backend, **settings})


def _torch(name: str, dtype: str, *, compiled: bool = False) -> Side:
    return Side(f"torch {name}", _TORCH, TORCH, {"dtype": dtype, "compiled": compiled})


def ours() -> tuple[Side, ...]:
    """Return optotype's sides, the one that `precision = "auto"` selects first."""
    half = [_ours("bf16")] if "amx" in available_isas() else []
    return *half, _ours("fp32")


def augmented() -> tuple[Side, ...]:
    """Return optotype with default settings, without and with augmentation."""
    first = ours()[0]
    changes: dict[str, dict[str, Any]] = {
        "images as they are": {},
        "shift, flip, rotation and scale": {"shift": 2, "flip": True, "rotation": 15, "scale": 0.1},
        "elastic deformation": {"elastic": 34},
    }
    return tuple(
        replace(first, name=name, settings={**first.settings, "augment": change or None})
        for name, change in changes.items()
    )


FP32_TRAINERS: Final = (
    _torch("fp32", "float32"),
    _torch("fp32 compiled", "float32", compiled=True),
    _keras("tensorflow", "tensorflow"),
    _keras("tensorflow xla", "tensorflow-xla"),
    _keras("jax", "jax"),
    _keras("torch", "torch"),
)
TRAINERS: Final = (
    *FP32_TRAINERS,
    _torch("autocast", "autocast"),
    _torch("autocast compiled", "autocast", compiled=True),
    _torch("bf16", "bfloat16"),
    _keras("tensorflow bf16", "tensorflow", **_HALF),
    _keras("jax bf16", "jax", **_HALF),
)
# Compilation takes longer than all of these trainings.
FRESH: Final = (
    _torch("fp32", "float32"),
    _torch("autocast", "autocast"),
    _keras("tensorflow", "tensorflow"),
    _keras("jax", "jax"),
)
PREDICTORS: Final = (
    *(
        Side(f"onnxruntime {batch} at a time", "benchmarks.sides.onnx", ONNX, {"batch": batch})
        for batch in (100, 1000)
    ),
    Side("torch", _TORCH, TORCH),
    *(
        _keras(f"{backend} {way}", backend, way=way)
        for backend in ("tensorflow", "tensorflow-xla", "jax")
        for way in ("predict", "predict_on_batch")
    ),
)


def with_variables(sides: Sequence[Side], variables: Mapping[str, str]) -> tuple[Side, ...]:
    """Return the sides with environment variables added."""
    return tuple(replace(side, variables={**side.variables, **variables}) for side in sides)
