"""What starting costs: CPU-seconds and resident memory of importing the package, of --help, and of loading a bundle's parts.

    python bench/startup.py

Each figure is the median of RUNS fresh processes; the bare interpreter stands beside them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from typing import Any

from harness import record

RUNS = 5
BLANK = "pass"
PROGRAMS = {
    "bare interpreter": BLANK,
    "import sequela": "import sequela",
    "sequela --help": "from sequela.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
    "read a study": "from sequela import config",
    "open a store": "from sequela.store import open_store; open_store",
    "the model (torch)": "from sequela import model",
}
LOADED = "import sys, sequela; print([m for m in ('torch', 'polars', 'lightning', 'sklearn', 'numpy') if m in sys.modules])"


def cost(program: str) -> tuple[float, float]:
    """CPU-seconds and peak resident megabytes of one fresh process."""
    before = os.times()
    watched = f"{program}\nimport resource, sys; sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"
    said = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=True)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, int(said.stderr.split()[-1]) / 1024


def main() -> None:
    rows: list[dict[str, Any]] = []
    for name, program in PROGRAMS.items():
        costs = [cost(program) for _ in range(RUNS)]
        seconds, megabytes = (statistics.median(column) for column in zip(*costs, strict=True))
        rows.append({"what": name, "cpu_seconds": round(seconds, 3), "peak_megabytes": round(megabytes, 1)})
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.strip()
    record("startup", {"runs": RUNS, "rows": rows, "heavy packages loaded by import sequela": loaded})


if __name__ == "__main__":
    main()
