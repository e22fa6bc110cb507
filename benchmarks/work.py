"""The arithmetic of an epoch, and the processor's limit: numerator and denominator of a share of the limit."""

import json
import math
import subprocess
from collections.abc import Sequence
from typing import Final

from optotype.engine.layers import Conv2D, Dense, Layer, LayerRow, describe
from reproduce.machine import usable_cores
from reproduce.results import ROOT

_BUILD: Final = ROOT / "build" / "peak"
_BIN: Final = ROOT / ".venv" / "bin"


def flop_of_image(layers: Sequence[Layer], shape: tuple[int, int, int]) -> int:
    """Count the floating-point operations of training on one image, forward and backward.

    A multiplication and an addition are two. Only the products of layers with a kernel count, as if each were computed
    in full: one product forward, one for the gradient of the kernel, and one for the gradient of the input, if
    a layer below is trainable.

    Args:
        layers: The whole network, including its head.
        shape: (height, width, channels) of an image.
    """
    total, learning_below = 0, False
    for row in describe(layers, shape):
        products = 3 if learning_below else 2
        total += products * 2 * _multiplications(row)
        learning_below = learning_below or row.trainable_size > 0
    return total


def _multiplications(row: LayerRow) -> int:
    if isinstance(row.layer, Dense):
        return row.input_shape[0] * row.layer.units
    if isinstance(row.layer, Conv2D):
        # Each output is a sum over a window of all channels, including padding.
        return math.prod(row.output_shape) * math.prod(row.layer.window) * row.input_shape[2]
    return 0


def build_peak_program() -> None:
    """Compile gemm_peak from the engine's kernels, if they have changed.

    Raises:
        RuntimeError: If it does not compile; the message ends with the compiler's output.
    """
    cmake, ninja = str(_BIN / "cmake"), f"-DCMAKE_MAKE_PROGRAM={_BIN / 'ninja'}"
    configure = [cmake, "-S", str(ROOT), "-B", str(_BUILD), "-G", "Ninja", ninja, "-DOPTOTYPE_PEAK=ON"]
    for command in (configure, [cmake, "--build", str(_BUILD)]):
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        if completed.returncode:
            raise RuntimeError(
                f"gemm_peak does not compile: {completed.stdout[-2000:]}{completed.stderr[-2000:]}"
            )


def measure_peaks(seconds: float) -> dict[str, float]:
    """Run a plain loop of matrix products on every core.

    Args:
        seconds: Seconds per shape.

    Returns:
        GFLOP/s of all cores, by instruction set and precision: "avx512 fp32", "amx bf16".
    """
    command = [str(_BUILD / "gemm_peak"), str(len(usable_cores())), str(seconds)]
    completed = subprocess.run(command, check=True, capture_output=True, text=True)
    peaks: dict[str, float] = json.loads(completed.stdout)
    return peaks
