"""The engine, built with sanitizers, has no memory errors and no undefined behaviour."""

import subprocess
from pathlib import Path

from optotype.engine.processor import available_isas

ROOT = Path(__file__).parents[2]


def test_sanitizers_report_no_error(tmp_path: Path) -> None:
    """Every layer trains and predicts on every instruction set under the sanitizers; a step allocates no memory."""
    build = ROOT / "build" / "sanitize"
    configure = ["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", "-DOPTOTYPE_SANITIZE=ON"]
    for command in (configure, ["cmake", "--build", str(build)]):
        subprocess.run(command, check=True, capture_output=True, text=True)
    run = subprocess.run([build / "sanitize"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    isas = len(available_isas())
    assert f"{isas * 24} networks trained on {isas} instruction sets" in run.stdout
