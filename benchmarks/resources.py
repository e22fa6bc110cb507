"""The lines without peers: memory, growth with the data, start-up and download size."""

import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Final

import optotype as ot
from benchmarks import arrays
from benchmarks.children import run_alone
from benchmarks.results import Measured
from benchmarks.settings import ours
from benchmarks.timing import Effort, job_of, record
from reproduce.ours import versions
from reproduce.results import ROOT

_MEMORY: Final = ("cnn-small", "mlp-512-512")
_SIZES: Final = (10_000, 100_000, 1_000_000)
_GROWTH: Final = "mlp-512-512"
_MEGABYTE: Final = 1e6
_STARTS: Final = 15
_VERSIONS: Final = {"versions": versions()}


def memory(line: str, effort: Effort) -> Measured:
    """Measure peak memory above that of the imported process, in MB, and the size of data and plan."""
    values: dict[str, tuple[float, ...]] = {}
    answers = []
    for name in _MEMORY:
        recipe = ot.load_recipe(name)
        # MNIST is loaded as a user loads it.
        job = {"task": "memory", **job_of(recipe, ROOT)}
        for _ in range(min(effort.rounds, 3)):
            _, answer = run_alone(ours()[0], job)
            answers.append(answer)
            for key in ("above", "data", "plan"):
                values[f"{name} {key}"] = (*values.get(f"{name} {key}", ()), answer[key] / _MEGABYTE)
    return record(line, "MB", answers, values)


def growth(line: str, effort: Effort) -> Measured:
    """Measure microseconds per image, for increasing numbers of images of a mapped file."""
    sizes = [min(size, effort.images * scale) for size, scale in zip(_SIZES, (1, 2, 4), strict=True)]
    mapped = arrays.repeated_mnist(sizes[-1])
    job = {
        "task": "growth",
        **job_of(ot.load_recipe(_GROWTH), ROOT),
        "mapped": str(mapped),
        "sizes": sizes,
        "turns": effort.rounds + 1,
    }
    _, answer = run_alone(ours()[0], job)
    mapped.unlink()
    # The first round reads the file and warms up.
    values = {
        f"{int(size):,} images": tuple(1e6 * seconds for seconds in rounds[1:])
        for size, rounds in answer["seconds"].items()
    }
    return record(line, "us", [answer], values)


def start(line: str, effort: Effort) -> Measured:
    """Time bare Python, the package import, and the command's help, each in a fresh process, alternating."""
    command = Path(sys.executable).with_name("optotype")
    commands = {
        "bare Python": [sys.executable, "-c", "pass"],
        "import optotype": [sys.executable, "-c", "import optotype"],
        "optotype --help": [str(command), "--help"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(1 + min(_STARTS, effort.rounds * 3)):
        for name, arguments in commands.items():
            start_time = time.perf_counter()
            subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start_time)
    # The first start of each reads its files from disk.
    return record(line, "s", [_VERSIONS], {name: tuple(times[1:]) for name, times in seconds.items()})


def install(line: str, _effort: Effort) -> Measured:
    """Download the packages of a default install, and return their sizes in MB."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        build_wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, str(ROOT)]
        subprocess.run([*pip, *build_wheel], check=True)
        subprocess.run([*pip, "download", "--dest", folder, *project["dependencies"]], check=True)
        sizes = {_package(file): (file.stat().st_size / _MEGABYTE,) for file in Path(folder).iterdir()}
    return record(line, "MB", [_VERSIONS], dict(sorted(sizes.items())))


def _package(file: Path) -> str:
    """Return the package and version of a wheel or source archive."""
    return " ".join(file.name.removesuffix(".tar.gz").split("-")[:2])
