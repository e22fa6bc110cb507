"""The check of include directions."""

from pathlib import Path

import pytest

from checks.includes import main


@pytest.mark.parametrize(
    ("name", "include", "violations"),
    [
        ("layers/dense/dense.cpp", "tensor/weights.hpp", 0),
        ("layers/dense/dense.cpp", "layers/layer.hpp", 0),
        ("layers/dense/dense.cpp", "network/network.hpp", 1),
        ("kernels/gemm.hpp", "vector.hpp", 0),
        ("kernels/gemm.hpp", "tensor/shape.hpp", 1),
        ("kernels/gemm.hpp", "layers/layer.hpp", 1),
        ("threads/pool.cpp", "kernels/bf16.hpp", 0),
        ("threads/pool.cpp", "layers/layer.hpp", 1),
        ("tensor/buffer.hpp", "layers/layer.hpp", 1),
        ("network/trainer.cpp", "layers/layer.hpp", 0),
        ("bindings.cpp", "network/trainer.hpp", 0),
        ("surprise/file.cpp", "kernels/kernels.hpp", 1),
    ],
)
def test_forbidden_include_is_reported(tmp_path: Path, name: str, include: str, violations: int) -> None:
    """An include of a folder that the file's folder may not depend on fails the check, and no other include does."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#include <vector>\n#include "{include}"\n', encoding="utf-8")
    assert main([tmp_path]) == violations


def test_csrc_has_no_forbidden_include() -> None:
    """No file of csrc violates a rule."""
    assert main([Path(__file__).parents[2] / "csrc"]) == 0
