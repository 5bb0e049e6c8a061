"""Long WFDB records: memory does not grow with their length, and what is stored does not change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sequela
from sequela.readers._wfdb_marks import quiet
from sequela.store.channels import places

with quiet():
    wfdb = pytest.importorskip("wfdb")

RATE_HZ, MINUTE = 360, 360 * 60
PROGRAM = """
import json, resource, sys, sequela
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
peaks = []
for source in sys.argv[1:]:
    sequela.import_data("wfdb", source, source + ".store")
    peaks.append(peak())
print(json.dumps(peaks))
"""
MOST_MEGABYTES = 150  # above an import of one minute; the signal of a day is 237


def write(folder: Path, minutes: int) -> Path:
    """A record of two leads in format 212 that repeats one random minute."""
    folder.mkdir()
    values = np.random.default_rng(0).integers(-2047, 2048, (MINUTE, 2))
    one, other = (values & 0xFFF).T
    packed = np.stack([one & 0xFF, one >> 8 | other >> 8 << 4, other & 0xFF], 1).astype(np.uint8).tobytes()
    with (folder / "r.dat").open("wb") as file:
        for _ in range(minutes):
            file.write(packed)
    sums = values.sum(0) * minutes % 2**16
    lines = [f"r.dat 212 200 12 0 0 {total} 0 {lead}" for total, lead in zip(sums, ("MLII", "V1"), strict=True)]
    (folder / "r.hea").write_text("\n".join([f"r 2 {RATE_HZ} {MINUTE * minutes}", *lines, ""]))
    return folder


@pytest.mark.slow
def test_a_day_is_imported_in_the_memory_of_a_minute(tmp_path):
    sources = [write(tmp_path / "minute", 1), write(tmp_path / "day", 24 * 60)]
    said = subprocess.run([sys.executable, "-c", PROGRAM, *sources], capture_output=True, text=True, check=True)
    minute, day = json.loads(said.stdout)
    assert day - minute < MOST_MEGABYTES
    stored = np.load(tmp_path / "day.store" / "payloads" / "signals-000000.npy", mmap_mode="r")
    whole = np.load(tmp_path / "minute.store" / "payloads" / "signals-000000.npy")
    assert stored.shape == (2, 24 * 60 * MINUTE)
    for number in (0, 777, 24 * 60 - 1):
        np.testing.assert_array_equal(stored[:, number * MINUTE : (number + 1) * MINUTE], whole)


@pytest.mark.slow
def test_the_signals_of_mit_bih_are_stored_as_wfdb_reads_them_to_the_bit(real_data, tmp_path):
    raw = tmp_path / "raw"
    subprocess.run([sys.executable, str(real_data("mitbih") / "unpack.py"), str(raw)], check=True)
    leads = ["MLII", "V1|V2|V4|V5"]
    store = sequela.import_data("wfdb", raw, tmp_path / "it.store", options={"leads": leads})
    waveforms = store.events(["WAVEFORM"])
    assert len(waveforms) == len(list(raw.glob("*.hea"))) == 48
    for uri in waveforms["payload"]:
        stored = store.payloads.open(uri)
        with quiet():
            theirs = wfdb.rdrecord(str(raw / stored.name))
        kept = [place for place in places(theirs.sig_name, leads) if place is not None]
        assert stored.channels == tuple(theirs.sig_name[place] for place in kept) and stored.unit == "mV"
        whole = np.ascontiguousarray(theirs.p_signal[:, kept].T, np.float32)  # as version 1 of the reader took it
        assert stored.values.tobytes() == whole.tobytes()
