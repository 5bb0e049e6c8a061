"""What every benchmark shares: a meter of CPU-seconds, and a record that says where and with what it was measured.

Each `bench/NAME.py` runs by itself and ends with `record("NAME", payload)`; docs/results.md is made from these files.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = ("sequela", "numpy", "polars", "pyarrow", "torch", "lightning", "scikit-learn", "scipy")


@dataclass
class Measured:
    """What a block cost: CPU-seconds of this process with its threads and finished children, and wall-clock seconds."""

    cpu_seconds: float = float("nan")
    wall_seconds: float = float("nan")


@contextmanager
def measure() -> Iterator[Measured]:
    """Measures the block; the numbers are there once it has ended."""
    measured = Measured()
    cpu, wall = _cpu_seconds(), time.perf_counter()
    try:
        yield measured
    finally:
        measured.cpu_seconds, measured.wall_seconds = _cpu_seconds() - cpu, time.perf_counter() - wall


def peak_megabytes() -> float:
    """The largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def record(name: str, payload: Mapping[str, Any], packages: Sequence[str] = PACKAGES) -> Path:
    """The file bench/results/NAME.json, written with the payload, the commit, the versions, the machine and the date."""
    RESULTS.mkdir(exist_ok=True)
    whole = {"name": name, **payload, "measured": _circumstances(packages)}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(whole, indent=2, ensure_ascii=False))
    return path


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _circumstances(packages: Sequence[str]) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _git("rev-parse", "--short=12", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no", "--", "src", "bench/*.py")),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in packages}},
    }


def _git(*arguments: str) -> str:
    found = subprocess.run(["git", *arguments], cwd=RESULTS.parent.parent, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
