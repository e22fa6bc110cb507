"""Dense layers whose columns are divided among threads: same bits for any number of threads and batch size."""

import numpy as np
import pytest

from optotype.engine.optimizers import Adam
from optotype.engine.processor import Precision, available_isas
from tests.contracts.nets import images, labels, network

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16") if "amx" in available_isas() else ("fp32",)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("batch_size", [1, 2, 31, 32, 33, 64])
@pytest.mark.parametrize("net", ["Dense columns", "BatchNormalization in columns"])
def test_number_of_threads_changes_no_bit_in_any_batch(
    net: str, batch_size: int, precision: Precision
) -> None:
    """An epoch with a smaller last batch gives the same bits on 1, 2, 3 and 4 threads."""
    order = np.arange(5 * batch_size - batch_size // 2) % 101
    results = []
    for threads in (1, 2, 3, 4):
        built = network(net, Adam(), batch_size, threads=threads, precision=precision)
        rates = np.full(5, 0.01, np.float32)
        built.train_epoch(images(101), labels(101), order, learning_rates=rates, key=(2, 3))
        results.append(built.weights())
    for result in results[1:]:
        for name, values in result.items():
            assert np.isfinite(values).all(), name
            np.testing.assert_array_equal(values, results[0][name], err_msg=name)
