"""C export: a header and a C99 source for any processor with a C compiler, including microcontrollers.

The code allocates no memory and needs only <math.h> and <stdint.h>. Weights are constants. The outputs of layers
alternate between two static arrays; activations, normalization and pooling work in place.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import BatchNormalization, Conv2D, Dense, MaxPooling2D
from optotype.errors import ExportError
from optotype.exporting.c.functions import ACTIVATIONS, FUNCTIONS
from optotype.exporting.exported_model import ExportedLayer, ExportedModel

_NUMBERS_PER_LINE: Final = 8
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass
class _Program:
    """The parts of a source.

    Attributes:
        constants: Definitions of weights.
        calls: Calls of functions, in order.
        functions: Names of the functions that are called.
        parameters: Number of weights.
        sizes: Sizes of the two static arrays.
        current: Index of the array that contains the last layer's output.
    """

    constants: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    parameters: int = 0
    sizes: list[int] = field(default_factory=list)
    current: int = 0

    @property
    def array(self) -> str:
        """Name of the array that contains the last layer's output."""
        return "ab"[self.current]

    def add_constant(self, name: str, values: NDArray[np.float32]) -> str:
        """Define an array of weights; return its name."""
        numbers = [f"{value}f" for value in values.ravel().astype(np.float32).astype(str).tolist()]
        lines = [
            ", ".join(numbers[start : start + _NUMBERS_PER_LINE])
            for start in range(0, len(numbers), _NUMBERS_PER_LINE)
        ]
        body = ",\n    ".join(lines)
        self.constants.append(f"static const float {name}[{values.size}] = {{\n    {body}\n}};\n")
        self.parameters += values.size
        return name

    def add_call(self, function: str, *arguments: object) -> None:
        """Add a call of a function."""
        self.functions.add(function)
        self.calls.append(f"{function}({', '.join(map(str, arguments))});")

    def switch_arrays(self, size: int) -> tuple[str, str]:
        """Make the other array the current one, with at least this size; return the old and the new array's name."""
        previous, self.current = self.array, 1 - self.current
        self.sizes[self.current] = max(self.sizes[self.current], size)
        return previous, self.array


def write(model: ExportedModel, path: Path) -> None:
    """Write a source, and a header next to it.

    Args:
        model: The model.
        path: The source, with the suffix ".c".

    Raises:
        ExportError: If the name cannot be used in an #include directive without escapes.
        OSError: If the files cannot be written.
    """
    if not _PLAIN.fullmatch(path.name):
        raise ExportError(
            f"The name of the C source is {path.name!r}, expected only letters, digits and _ . - because programs"
            " include it by its name. Choose another name with --out."
        )
    program = _Program(sizes=[prod(model.input_shape), 0])
    for index, exported in enumerate(model.layers):
        _add_layer(program, index, exported, is_last=exported is model.layers[-1])
    path.with_suffix(".h").write_text(_header(model, path.stem, program), "ascii")
    path.write_text(_source(model, path.stem, program), "ascii")


def _add_layer(program: _Program, index: int, exported: ExportedLayer, *, is_last: bool) -> None:
    """Add a layer; Flatten and Dropout need no code."""
    layer, weights = exported.layer, exported.weights
    shape, out = exported.input_shape, exported.output_shape
    match layer:
        case Dense():
            kernel, bias = (
                program.add_constant(f"{name}_{index}", weights[name]) for name in ("kernel", "bias")
            )
            x, y = (program.array, "probabilities") if is_last else program.switch_arrays(prod(out))
            program.add_call("dense", x, shape[0], kernel, bias, out[0], y)
            _add_activation(program, layer.activation, y, prod(out))
        case Conv2D():
            kernel, bias = (
                program.add_constant(f"{name}_{index}", weights[name]) for name in ("kernel", "bias")
            )
            window = layer.window
            padding = [(size - 1) // 2 if layer.padding == "same" else 0 for size in window]
            x, y = program.switch_arrays(prod(out))
            program.add_call("conv2d", x, *shape, kernel, bias, *window, out[2], *padding, out[0], out[1], y)
            _add_activation(program, layer.activation, y, prod(out))
        case MaxPooling2D():
            program.add_call("max_pool", program.array, shape[1], shape[2], *layer.window, out[0], out[1])
        case BatchNormalization():
            scale, shift = _scale_and_shift(layer, exported)
            names = (
                program.add_constant(f"scale_{index}", scale),
                program.add_constant(f"shift_{index}", shift),
            )
            program.add_call("normalize", program.array, prod(shape[:-1]), shape[-1], *names)


def _add_activation(program: _Program, activation: str, array: str, size: int) -> None:
    if activation != "linear":
        program.add_call(ACTIVATIONS[activation], array, size)


def _scale_and_shift(
    layer: BatchNormalization, exported: ExportedLayer
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return batch normalization as one multiplication and one addition, computed in float64."""
    weights = {name: values.astype(np.float64) for name, values in exported.weights.items()}
    scale = weights["gamma"] / np.sqrt(weights["moving_variance"] + layer.epsilon)
    shift = weights["beta"] - weights["moving_mean"] * scale
    return scale.astype(np.float32), shift.astype(np.float32)


def _header(model: ExportedModel, stem: str, program: _Program) -> str:
    height, width, channels = model.input_shape
    guard = "OPTOTYPE_" + re.sub(r"[^A-Z0-9]", "_", stem.upper()) + "_H"
    # A name may contain the end of a comment.
    recipe = re.sub(r"[^A-Za-z0-9 _.-]", "_", model.recipe)
    return f"""\
/* An image classifier, exported by optotype (recipe {recipe}). C99 with <math.h> and <stdint.h>; no malloc.

   Memory: {4 * program.parameters} bytes of constants, {4 * sum(program.sizes)} bytes of static arrays,
   and a few hundred bytes of stack. All calls share the static arrays: call it from one thread at a time.
   Link with -lm. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#define OPTOTYPE_HEIGHT {height}
#define OPTOTYPE_WIDTH {width}
#define OPTOTYPE_CHANNELS {channels}
#define OPTOTYPE_CLASSES {len(model.class_names)}

#ifdef __cplusplus
extern "C" {{
#endif

/* Class names in UTF-8. */
extern const char *const optotype_class_names[OPTOTYPE_CLASSES];

/* image: OPTOTYPE_HEIGHT * OPTOTYPE_WIDTH * OPTOTYPE_CHANNELS bytes in the order rows, columns, channels.
   probabilities: OPTOTYPE_CLASSES numbers whose sum is 1. */
void optotype_predict(const uint8_t *image, float *probabilities);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(model: ExportedModel, stem: str, program: _Program) -> str:
    functions = [text for name, text in FUNCTIONS.items() if name in program.functions]
    names = ",\n    ".join(map(_string, model.class_names))
    calls = _lines(program.calls)
    sizes = zip("ab", program.sizes, strict=True)
    arrays = _lines(f"static float {name}[{size}];" for name, size in sizes if size)
    return "\n".join(
        [
            f'#include "{stem}.h"\n\n#include <math.h>\n',
            f"const char *const optotype_class_names[OPTOTYPE_CLASSES] = {{\n    {names}\n}};\n",
            *program.constants,
            *functions,
            f"""\
void optotype_predict(const uint8_t *image, float *probabilities)
{{
{arrays}
    int32_t i;
    for (i = 0; i < {prod(model.input_shape)}; i++)
        a[i] = (float)image[i] * {np.float32(model.scale)!s}f;
{calls}
}}
""",
        ]
    )


def _lines(statements: Iterable[str]) -> str:
    return "\n".join(f"    {statement}" for statement in statements)


def _string(text: str) -> str:
    """Return a string literal; special characters become three octal digits, which a following digit cannot extend."""
    escaped = (
        chr(byte) if _PLAIN.fullmatch(chr(byte)) else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "backslashreplace")
    )
    return f'"{"".join(escaped)}"'
