"""From CSV tables to the batches of a question: rows per CPU-second and memory, and how both grow with the patients.

    python bench/ehr_batches.py TABLES [--large TABLES] [--gz TABLES]
    python bench/ehr_batches.py TABLES --peer /path/to/pyhealth/bin/python --peer-script /path/to/bench_pyhealth.py

TABLES is a folder of MIMIC-III-shaped CSVs. Each measurement is a process of its own: it loads the libraries, and is then charged
for everything: hashing the tables, reading and checking every row, writing the store, building and splitting the cohort of
studies/ehr/next_visit_mortality.toml, the vocabulary of its training part, and every padded batch with each patient's full
history. Memory is the largest resident size less that of the interpreter with the libraries loaded, down to what they load when
first called: the same way gone with a few patients. Arrow takes its memory from the system, as the command line has it. The peer
is a Python with pyhealth installed and a script that prints `METER {"stage": "parse and build", "per_cpu_s": …, "peak_MB": …}`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SINGLE = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
STUDY = Path(__file__).parents[1] / "studies" / "ehr" / "next_visit_mortality.toml"
TABLES = (
    "ADMISSIONS",
    "DIAGNOSES_ICD",
    "PROCEDURES_ICD",
    "PRESCRIPTIONS",
)  # those that the peer reads too: their rows are counted
HEADERS = {
    "PATIENTS": "ROW_ID,SUBJECT_ID,GENDER,DOB,DOD,DOD_HOSP,DOD_SSN,EXPIRE_FLAG",
    "ADMISSIONS": "ROW_ID,SUBJECT_ID,HADM_ID,ADMITTIME,DISCHTIME,DEATHTIME,ADMISSION_TYPE,DISCHARGE_LOCATION,ETHNICITY,"
    "HOSPITAL_EXPIRE_FLAG",
    "DIAGNOSES_ICD": "ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE",
}
FEW = 40  # patients
REPEATS = 3
GOALS = {"rows_per_cpu_second": 500_000, "megabytes": 200, "growth_of_memory": 0.1}


def main() -> None:
    parser = argparse.ArgumentParser(description="CSV tables to batches: speed and memory")
    parser.add_argument("tables", type=Path)
    parser.add_argument("--large", type=Path, help="the same shape with more patients")
    parser.add_argument("--gz", type=Path, help="the same tables, compressed")
    parser.add_argument("--peer", type=Path, help="a Python with pyhealth installed")
    parser.add_argument("--peer-script", type=Path, help="parses the tables with the peer, see above")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measured(given.tables)))
        return
    report(given)


def report(given: argparse.Namespace) -> None:
    from harness import record

    small = [child(given.tables) for _ in range(REPEATS)]
    found: dict[str, Any] = {"claim": "CSV tables to batches with full history, one thread", "goal": GOALS, "small": small}
    best = max(small, key=lambda run: run["rows_per_cpu_second"])
    found["rows_per_cpu_second"], found["megabytes"] = best["rows_per_cpu_second"], max(run["megabytes"] for run in small)
    if given.large:
        found["large"] = large = child(given.large)
        found["growth"] = {
            "patients": large["patients"] / best["patients"],
            "rows": large["rows"] / best["rows"],
            "cpu_seconds": large["cpu_seconds"] / best["cpu_seconds"],
            "memory": large["megabytes"] / found["megabytes"] - 1,
        }
    if given.gz:
        found["gz"] = child(given.gz)
    if given.peer and given.peer_script:
        found["pyhealth"] = theirs = peer(given.peer.absolute(), given.peer_script.resolve(), given.tables.resolve())
        found["times_peer"] = best["rows_per_cpu_second"] / theirs["per_cpu_s"]
    record("ehr_batches", found)


def child(tables: Path) -> dict[str, Any]:
    """One measurement, in a process of its own."""
    command = [sys.executable, __file__, str(tables), "--child"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **SINGLE})
    found: dict[str, Any] = json.loads(done.stdout)
    print(json.dumps(found), file=sys.stderr)
    return found


def measured(tables: Path) -> dict[str, Any]:
    """What everything from the tables to the last batch costs."""
    from harness import measure, peak_megabytes

    loaded()
    base = resident_megabytes()
    with tempfile.TemporaryDirectory() as folder:
        with measure() as reading:
            store = imported(tables, Path(folder) / "records.store")
        with measure() as batching:
            told = batched(store)
        rows = sum(lines(tables, name) for name in TABLES)
        seconds = reading.cpu_seconds + batching.cpu_seconds
        return {
            "patients": lines(tables, "PATIENTS"),
            "rows": rows,
            "events": store.manifest.events,
            "content_hash": store.content_hash,
            **told,
            "cpu_seconds": round(seconds, 3),
            "cpu_seconds_import": round(reading.cpu_seconds, 3),
            "cpu_seconds_batches": round(batching.cpu_seconds, 3),
            "rows_per_cpu_second": round(rows / seconds),
            "base_megabytes": round(base),
            "megabytes": round(peak_megabytes() - base),
        }


def loaded() -> None:
    """Loads everything that will be used, down to what libraries load when first called: the whole way with a few patients."""
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder) / "tables"
        tables.mkdir()
        rows = {name: [header] for name, header in HEADERS.items()}
        for patient in range(FEW):
            rows["PATIENTS"].append(f"{patient},{patient},M,2100-01-01 00:00:00,,,,0")
            for stay, year in ((0, 2150), (1, 2151)):
                number, out, dies = 2 * patient + stay, f"{year}-01-05 00:00:00", stay * (patient % 2)
                death = out if dies else ""
                rows["ADMISSIONS"].append(
                    f"{number},{patient},{number},{year}-01-01 00:00:00,{out},{death},EMERGENCY,HOME,WHITE,{dies}"
                )
                rows["DIAGNOSES_ICD"].append(f"{number},{patient},{number},1,0389")
        for name, lines_ in rows.items():
            (tables / f"{name}.csv").write_text("\n".join(lines_) + "\n")
        batched(imported(tables, Path(folder) / "records.store"))


def imported(tables: Path, place: Path) -> Any:
    from sequela.readers import mimic3
    from sequela.store.cache import ingest

    return ingest(mimic3.build(mimic3.Config()), "mimic3", mimic3.VERSION, tables, place)


def batched(store: Any) -> dict[str, Any]:
    """Every batch of the study."""
    from sequela import stream

    held = stream(STUDY, data=store)
    batches = steps = codes = 0
    for batch in held.batches():
        batches += 1
        steps += int(batch.inputs["history"].mask.sum())
        codes += int(batch.inputs["history"].seen.sum())
    return {
        "visits": len(held.cohort),
        "batches": batches,
        "steps": steps,
        "codes": codes,
        "vocabulary": held.specs["history"].vocabulary,
    }


def resident_megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def lines(tables: Path, name: str) -> int:
    """Rows of a table, counted without reading it as one."""
    plain, packed = tables / f"{name}.csv", tables / f"{name}.csv.gz"
    with plain.open("rb") if plain.exists() else gzip.open(packed, "rb") as opened:
        return sum(1 for _ in opened) - 1


def peer(python: Path, script: Path, tables: Path) -> dict[str, float]:
    """What the peer's script prints of reading the tables and building its samples."""
    command = [str(python), str(script), str(tables), "RETAIN"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **SINGLE}, cwd=script.parent)
    meters = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("METER ")]
    found: dict[str, float] = next(meter for meter in meters if meter["stage"] == "parse and build")
    return found


if __name__ == "__main__":
    main()
