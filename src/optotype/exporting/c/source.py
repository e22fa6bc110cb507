"""A model as C99: a header and a source for any processor with a C compiler, a microcontroller's too.

Nothing is allocated, and nothing but <math.h> and <stdint.h> is needed. Weights are constants. What a layer gives lies
in one of two static arrays, by turns; activations, normalization and pooling are done in place.
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
from optotype.exporting.content import Content, Stage

_PER_LINE: Final = 8
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass
class _Program:
    """What has been written so far."""

    constants: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    numbers: int = 0
    sizes: list[int] = field(default_factory=list)
    at: int = 0

    def constant(self, name: str, values: NDArray[np.float32]) -> str:
        """Write weights down; returns their name."""
        words = [f"{value}f" for value in values.ravel().astype(np.float32).astype(str).tolist()]
        lines = [", ".join(words[start : start + _PER_LINE]) for start in range(0, len(words), _PER_LINE)]
        body = ",\n    ".join(lines)
        self.constants.append(f"static const float {name}[{values.size}] = {{\n    {body}\n}};\n")
        self.numbers += values.size
        return name

    def call(self, function: str, *arguments: object) -> None:
        """Write a call down."""
        self.used.add(function)
        self.calls.append(f"{function}({', '.join(map(str, arguments))});")

    def move(self, size: int) -> tuple[str, str]:
        """Go on to the other array, which must hold so many numbers; returns the names of both."""
        before, self.at = self.here, 1 - self.at
        self.sizes[self.at] = max(self.sizes[self.at], size)
        return before, self.here

    @property
    def here(self) -> str:
        """The array that holds what the last layer gave."""
        return "ab"[self.at]


def write(content: Content, path: Path) -> None:
    """Write a source, and a header beside it.

    Args:
        content: The model.
        path: The source, which ends in ".c".

    Raises:
        ExportError: The name is none that a source can include as it stands.
        OSError: They cannot be written.
    """
    if not _PLAIN.fullmatch(path.name):
        raise ExportError(
            f"The C source would be named {path.name!r}, expected letters, digits and _ . - alone, since a program"
            " includes it by its name. Name it otherwise with --out."
        )
    program = _Program(sizes=[prod(content.input_shape), 0])
    for place, stage in enumerate(content.stages):
        _add(program, place, stage, last=stage is content.stages[-1])
    path.with_suffix(".h").write_text(_header(content, path.stem, program), "ascii")
    path.write_text(_source(content, path.stem, program), "ascii")


def _add(program: _Program, place: int, stage: Stage, *, last: bool) -> None:
    """Write a layer down; Flatten and Dropout change nothing."""
    weights, shape, out = stage.weights, stage.input_shape, stage.output_shape
    match stage.layer:
        case Dense():
            kernel, bias = (program.constant(f"{name}_{place}", weights[name]) for name in ("kernel", "bias"))
            before, after = (program.here, "probabilities") if last else program.move(prod(out))
            program.call("dense", before, shape[0], kernel, bias, out[0], after)
            _activate(program, stage.layer.activation, after, prod(out))
        case Conv2D():
            kernel, bias = (program.constant(f"{name}_{place}", weights[name]) for name in ("kernel", "bias"))
            window = stage.layer.window
            corner = [(side - 1) // 2 if stage.layer.padding == "same" else 0 for side in window]
            before, after = program.move(prod(out))
            program.call(
                "conv2d", before, *shape, kernel, bias, *window, out[2], *corner, out[0], out[1], after
            )
            _activate(program, stage.layer.activation, after, prod(out))
        case MaxPooling2D():
            program.call("max_pool", program.here, shape[1], shape[2], *stage.layer.window, out[0], out[1])
        case BatchNormalization():
            scale, shift = _folded(stage.layer, stage)
            names = program.constant(f"scale_{place}", scale), program.constant(f"shift_{place}", shift)
            program.call("normalize", program.here, prod(shape[:-1]), shape[-1], *names)


def _activate(program: _Program, activation: str, array: str, size: int) -> None:
    if activation != "linear":
        program.call(ACTIVATIONS[activation], array, size)


def _folded(layer: BatchNormalization, stage: Stage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make one product and one sum of a normalization, in float64."""
    wide = {name: values.astype(np.float64) for name, values in stage.weights.items()}
    scale = wide["gamma"] / np.sqrt(wide["moving_variance"] + layer.epsilon)
    shift = wide["beta"] - wide["moving_mean"] * scale
    return scale.astype(np.float32), shift.astype(np.float32)


def _header(content: Content, stem: str, program: _Program) -> str:
    height, width, channels = content.input_shape
    guard = "OPTOTYPE_" + re.sub(r"[^A-Z0-9]", "_", stem.upper()) + "_H"
    # Names may hold what would end a comment.
    recipe = re.sub(r"[^A-Za-z0-9 _.-]", "_", content.recipe)
    return f"""\
/* An image classifier, exported by optotype (recipe {recipe}). C99 with <math.h> and <stdint.h>; no malloc.

   Memory: {4 * program.numbers} bytes of constants, {4 * sum(program.sizes)} bytes of static arrays, and a few hundred
   bytes of stack. The static arrays are shared by all calls: call it from one thread at a time.
   Link with -lm. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#define OPTOTYPE_HEIGHT {height}
#define OPTOTYPE_WIDTH {width}
#define OPTOTYPE_CHANNELS {channels}
#define OPTOTYPE_CLASSES {len(content.class_names)}

#ifdef __cplusplus
extern "C" {{
#endif

/* The names of the classes, in UTF-8. */
extern const char *const optotype_class_names[OPTOTYPE_CLASSES];

/* image: OPTOTYPE_HEIGHT * OPTOTYPE_WIDTH * OPTOTYPE_CHANNELS bytes, row by row, the channels of a pixel side by side.
   probabilities: OPTOTYPE_CLASSES numbers that add up to 1. */
void optotype_predict(const uint8_t *image, float *probabilities);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(content: Content, stem: str, program: _Program) -> str:
    functions = [text for name, text in FUNCTIONS.items() if name in program.used]
    names = ",\n    ".join(map(_string, content.class_names))
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
    for (i = 0; i < {prod(content.input_shape)}; i++)
        a[i] = (float)image[i] * {np.float32(content.scale)!s}f;
{calls}
}}
""",
        ]
    )


def _lines(statements: Iterable[str]) -> str:
    return "\n".join(f"    {statement}" for statement in statements)


def _string(text: str) -> str:
    """Write a string literal: whatever is not plain as three octal digits, which a digit behind cannot lengthen."""
    escaped = (
        chr(byte) if _PLAIN.fullmatch(chr(byte)) else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "backslashreplace")
    )
    return f'"{"".join(escaped)}"'
