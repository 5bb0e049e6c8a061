"""What it costs to follow an ECG: CPU-seconds an hour, memory after an hour and a day, and whether the answers are the batch's.

    python bench/monitor.py
    python bench/monitor.py --hours 1

The recording is a WFDB file of two leads at 360 Hz, written here from the simulator's minutes; heartbeats are found in it as it
comes. The bundle asks the question of studies/ecg_beats.toml with its networks; their weights are drawn, which costs the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"], os.environ["POLARS_MAX_THREADS"] = "PASSIVE", "1", "1"

import msgspec
import numpy as np
from harness import PACKAGES, measure, record
from scipy import signal

from sequela import config, pipeline, seed
from sequela import model as models
from sequela.bundle.bundle import Bundle, history, load, save
from sequela.bundle.predictor import Predictor
from sequela.pipeline.monitoring import PIECE_SECONDS
from sequela.simulate import ecg
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut

ROOT = Path(__file__).resolve().parents[1]
RATE_HZ, MINUTES = 360, 20  # of signal that are drawn; longer recordings repeat them
GAIN = 200
LEADS = ("MLII", "V1")


def written(folder: Path, name: str, hours: float) -> Path:
    """A WFDB record of format 16 without annotations, written minute by minute."""
    path = folder / name
    minutes = [_minute(i) for i in range(MINUTES)]
    count = round(hours * 60)
    with path.with_suffix(".dat").open("wb") as file:
        for minute in range(count):
            file.write(minutes[minute % MINUTES].tobytes())
    sums = sum(minutes[number % MINUTES].sum(0, dtype=np.int64) for number in range(count))
    lines = [f"{name} {len(LEADS)} {RATE_HZ} {count * 60 * RATE_HZ}"]
    for lead, first, total in zip(LEADS, minutes[0][0], sums, strict=True):
        lines.append(f"{name}.dat 16 {GAIN}/mV 16 0 {first} {_checksum(int(total))} 0 {lead}")
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n", encoding="ascii")
    return path.with_suffix(".hea")


def _checksum(total: int) -> int:
    """The last 16 bits of the sum of a signal's samples, as a signed number."""
    return ((total + 0x8000) & 0xFFFF) - 0x8000


def _minute(number: int) -> np.ndarray:
    random = seed.generator(0, "monitor", number)
    drawn = signal.resample_poly(ecg.signal(ecg.rhythm(random), random), RATE_HZ, ecg.RATE_HZ)
    return np.round(drawn[: 60 * RATE_HZ] * GAIN).astype("<i2")


def bundle(folder: Path, store: Store) -> Path:
    """The question of the study with its networks, as they are before training."""
    study = config.load(ROOT / "studies" / "ecg_beats.toml")
    rows, _ = cohorts.eligible(store, study)
    fitted = models.fit_inputs(study, cut.known(store, rows, history(study)))
    specs = {name: one.spec for name, one in fitted.items()}
    drawn = [
        msgspec.structs.replace(study, train=msgspec.structs.replace(study.train, seed=k)) for k in range(study.train.members)
    ]
    built = [models.build(one, specs, tuple(study.outcome.classes)) for one in drawn]
    members = [model.eval() for model, _ in built]
    path = folder / "drawn.sequela"
    save(path, Predictor(study, fitted, built[0][1], members), [], {})
    return path


def followed(held: str, file: str) -> dict[str, float]:
    """How many predictions, CPU-seconds and resident megabytes, measured in a process of its own."""
    shown = subprocess.run([sys.executable, __file__, "--follow", held, file], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(shown.stdout)
    return found


def follow(held: str, file: str) -> None:
    """Prints what `followed` gives."""
    count = 0
    with measure() as took:
        for _ in pipeline.monitor(held, file):
            count += 1
    resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"predictions": count, "cpu_seconds": took.cpu_seconds, "rss_mb": _mb(resident), "peak_mb": _mb(peak)}))


def _mb(line: str) -> float:
    return int(line.split()[1]) / 1024


def largest_difference(held: Bundle, store: Store, file: Path, piece: float) -> float:
    """Between a probability that the monitor gives and that of the batch, over all beats annotated in a record."""
    batch = {one.row_id: one.probabilities for one in held.predict(store, file.stem)}
    said = {
        one.prediction.row_id: one.prediction.probabilities
        for one in pipeline.monitor(held, file, piece=piece, least_quality=0.0)
    }
    if batch.keys() != said.keys():
        raise SystemExit(f"the monitor answered {len(said)} rows, the batch {len(batch)}")
    pairs = [(ours, said[row]) for row, ours in batch.items()]
    return max((abs(p - theirs[name]) for ours, theirs in pairs if ours and theirs for name, p in ours.items()), default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="of the long recording")
    parser.add_argument("--follow", nargs=2, metavar=("BUNDLE", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.follow:
        follow(*arguments.follow)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "ecg").mkdir()
        ecg.write(folder / "ecg", 3, 0, lambda what, done, total: None)
        os.environ["SEQUELA_CACHE"] = str(folder / "cache")
        store = pipeline.import_data("wfdb", folder / "ecg", folder / "ecg.store")
        path = bundle(folder, store)
        held = load(path)
        pieces = {
            f"{piece:g} s": largest_difference(held, store, folder / "ecg" / "100.hea", piece) for piece in (1.0, 7.3, 60.0)
        }
        spans = {
            f"{hours:g} h": followed(str(path), str(written(folder, f"long{hours:g}", hours))) for hours in (1.0, arguments.hours)
        }
    record(
        "monitor",
        {
            "recording": {"leads": len(LEADS), "rate_hz": RATE_HZ, "beats": "found as it comes", "piece_seconds": PIECE_SECONDS},
            "spans": spans,
            "largest_difference_from_batch": pieces,
        },
        (*PACKAGES, "wfdb"),
    )


if __name__ == "__main__":
    main()
