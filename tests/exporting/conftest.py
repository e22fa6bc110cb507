"""Keras draws initial weights for every layer, only to have them replaced; here it does not, which saves minutes."""

import keras
import pytest


def _zeros(_: object, shape: tuple[int, ...], dtype: str | None = None, **__: object) -> object:
    return keras.ops.zeros(shape, dtype or "float32")


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for initializer in (keras.initializers.VarianceScaling, keras.initializers.RandomNormal):
        monkeypatch.setattr(initializer, "__call__", _zeros)
