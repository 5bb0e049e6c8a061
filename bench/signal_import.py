"""What importing a long recording costs: CPU-seconds, and memory above that of importing a short one.

    python bench/signal_import.py

Records of two leads at 360 Hz in format 212 (that of MIT-BIH), random samples, with checksums, of an hour, a day, a week; each
is imported by a fresh process, which first imports one of a minute. The disc holds a record and its store for a while.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from harness import record

RATE_HZ, LEADS = 360, ("MLII", "V1")
HOURS = (1, 24, 168)
SEED = 0
PROGRAM = """
import json, resource, sys, time
import sequela
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
short, long, folder = sys.argv[1:]
sequela.import_data("wfdb", short, folder + "/short.store")
base, before = peak(), time.process_time()
sequela.import_data("wfdb", long, folder + "/long.store")
print(json.dumps({"cpu_seconds": time.process_time() - before, "base_megabytes": base, "above_megabytes": peak() - base}))
"""


def write(folder: Path, hours: float) -> Path:
    """A record of so many hours, written minute by minute."""
    folder.mkdir()
    random = np.random.default_rng(SEED)
    frames, minute = round(hours * 3600 * RATE_HZ), 60 * RATE_HZ
    sums = np.zeros(len(LEADS), np.int64)
    with (folder / "r.dat").open("wb") as file:
        for _ in range(frames // minute):
            values = random.integers(-2047, 2048, (minute, len(LEADS)), np.int32)
            sums += values.sum(0)
            file.write(packed(values))
    lines = [f"r.dat 212 200 12 0 0 {total % 2**16} 0 {lead}" for lead, total in zip(LEADS, sums, strict=True)]
    (folder / "r.hea").write_text("\n".join([f"r {len(LEADS)} {RATE_HZ} {frames}", *lines]) + "\n")
    return folder


def packed(values: np.ndarray) -> bytes:
    """Samples (frames, 2) in format 212: two in three bytes."""
    one, other = (values & 0xFFF).T
    return np.stack([one & 0xFF, one >> 8 | other >> 8 << 4, other & 0xFF], 1).astype(np.uint8).tobytes()


def cost(hours: float) -> dict[str, float]:
    """CPU-seconds of importing a record of so many hours, and megabytes above those of importing a minute."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = write(Path(folder) / "short", 1 / 60), write(Path(folder) / "long", hours)
        said = subprocess.run([sys.executable, "-c", PROGRAM, short, long, folder], capture_output=True, text=True, check=True)
        return {name: round(value, 1) for name, value in json.loads(said.stdout.splitlines()[-1]).items()}


def main() -> None:
    rows = [{"hours": hours, "samples": round(hours * 3600 * RATE_HZ * len(LEADS)), **cost(hours)} for hours in HOURS]
    record("signal_import", {"rate_hz": RATE_HZ, "leads": len(LEADS), "format": "212", "rows": rows})


if __name__ == "__main__":
    main()
