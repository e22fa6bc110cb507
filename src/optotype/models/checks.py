"""Checks that the parts of a model fit together: weights, golden images and provenance."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optotype.engine.layers import Layer, Parameter, describe
from optotype.errors import EngineError, ModelError
from optotype.models.golden import GoldenImages
from optotype.models.provenance import Provenance


def check_provenance(provenance: object) -> None:
    """Check the type of a provenance.

    Raises:
        ModelError: If it is not a Provenance.
    """
    if not isinstance(provenance, Provenance):
        raise ModelError(
            f"The provenance is of type {type(provenance).__name__}, expected a Provenance."
            " Convert a dictionary with Provenance.from_json(...)."
        )


def check_golden(golden: GoldenImages | None, shape: tuple[int, int, int], classes: int) -> None:
    """Check the shapes of golden images and their logits.

    Raises:
        ModelError: If they are not those of the model.
    """
    if golden is not None and (golden.images.shape[1:], golden.logits.shape[1]) != (shape, classes):
        raise ModelError(
            f"The golden images have shape {golden.images.shape[1:]} and {golden.logits.shape[1]} logits, expected"
            f" {shape} and {classes} as the model has. Train the model again."
        )


def check_weights(
    layers: tuple[Layer, ...], shape: tuple[int, int, int], weights: Mapping[str, NDArray[np.generic]]
) -> None:
    """Check that weights are exactly those of the layers, and finite.

    Raises:
        ModelError: If a name, dtype or shape is another, or a weight is not finite.
    """
    try:
        rows = describe(layers, shape)
    except EngineError as error:
        raise ModelError(f"The layers do not fit together. {error}") from None
    expected = {
        f"{index}.{parameter.name}": parameter
        for index, row in enumerate(rows)
        for parameter in row.parameters
    }
    if set(weights) != set(expected):
        raise ModelError(
            f"The weights {sorted(set(expected) - set(weights))} are missing and"
            f" {sorted(set(weights) - set(expected))} are unexpected, expected exactly the weights of the layers."
            " Train the model again."
        )
    for name, parameter in expected.items():
        _check_weight(name, weights[name], parameter)


def _check_weight(name: str, weight: NDArray[np.generic], parameter: Parameter) -> None:
    if weight.dtype != np.float32 or weight.shape != parameter.shape:
        raise ModelError(
            f"The weight {name!r} is {weight.dtype} of shape {weight.shape}, expected float32 of shape"
            f" {parameter.shape}. Train the model again."
        )
    if not np.isfinite(weight).all():
        raise ModelError(
            f"The weight {name!r} has a value that is not finite, expected finite numbers."
            " Train the model again, with a lower learning rate if it diverged."
        )
