"""Polars against DuckDB on our own path: the same lines of text to the same sorted events, and the same events read back by code.

    SEQUELA_DATA=… python bench/engine.py        (needs duckdb, which Sequela itself does not)

Each engine runs in a process of its own, with one thread, on the 5.3 million lines of the PhysioNet 2012 challenge.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import PACKAGES, measure, peak_megabytes, record
from import_icu import unpack

CODES = ("HR", "GCS", "Lactate")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = gather(Path(folder))
        found = {engine: in_own_process(engine, lines) for engine in ("polars", "duckdb")}
    if found["polars"]["checksum"] != found["duckdb"]["checksum"]:
        raise SystemExit("the two engines do not agree")
    record("engine", {"claim": "which columnar engine costs less on our own path", **found}, (*PACKAGES, "duckdb"))


def gather(folder: Path) -> Path:
    """One table of all lines, with the record each belongs to."""
    unpack(Path(os.environ["SEQUELA_DATA"]) / "physionet2012", folder / "raw")
    lines = folder / "lines.csv"
    with lines.open("w") as out:
        for file in sorted((folder / "raw").glob("set-*/*.txt")):
            out.writelines(f"{file.stem},{line}\n" for line in file.read_text().splitlines()[1:])
    return lines


def in_own_process(engine: str, lines: Path) -> dict[str, float]:
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, engine, str(lines)]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


def with_polars(lines: Path, store: Path) -> tuple[dict[str, float], float]:
    import polars as pl

    with measure() as writing:
        schema = {"id": pl.Int64(), "time": pl.String(), "code": pl.String(), "value": pl.Float64()}
        frame = pl.read_csv(lines, has_header=False, schema=schema)
        hours, minutes = (pl.col("time").str.slice(at, 2).cast(pl.Int32) for at in (0, 3))
        frame = frame.with_columns(minute=hours * 60 + minutes, value=pl.col("value").cast(pl.Float32)).drop("time")
        frame.filter(pl.col("code").is_not_null()).sort("id", "minute", maintain_order=True).write_parquet(
            store, compression="zstd", compression_level=1
        )
    with measure() as reading:
        events = pl.scan_parquet(store).filter(pl.col("code").is_in(CODES)).collect()
        checksum = events["value"].cast(pl.Float64).sum() + events["minute"].sum() + len(events)
    return {"write_cpu_seconds": round(writing.cpu_seconds, 2), "read_cpu_seconds": round(reading.cpu_seconds, 2)}, checksum


def with_duckdb(lines: Path, store: Path) -> tuple[dict[str, float], float]:
    import duckdb

    base = duckdb.connect(config={"threads": 1})
    with measure() as writing:
        base.execute(
            f"""COPY (
                SELECT id, code, CAST(value AS FLOAT) AS value,
                       CAST(substr(time, 1, 2) AS INTEGER) * 60 + CAST(substr(time, 4, 2) AS INTEGER) AS minute
                FROM read_csv('{lines}', header = false,
                              columns = {{id: 'BIGINT', time: 'VARCHAR', code: 'VARCHAR', value: 'DOUBLE'}})
                WHERE code IS NOT NULL ORDER BY id, minute
            ) TO '{store}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"""
        )
    with measure() as reading:
        query = f"SELECT sum(CAST(value AS DOUBLE)) + sum(minute) + count(*) FROM '{store}' WHERE code IN {CODES}"
        checksum = base.execute(query).fetchall()[0][0]
    return {"write_cpu_seconds": round(writing.cpu_seconds, 2), "read_cpu_seconds": round(reading.cpu_seconds, 2)}, checksum


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        engine, lines = sys.argv[1], Path(sys.argv[2])
        run = {"polars": with_polars, "duckdb": with_duckdb}[engine]
        numbers, checksum = run(lines, lines.with_suffix(f".{engine}.parquet"))
        print(json.dumps({**numbers, "peak_megabytes": round(peak_megabytes()), "checksum": round(checksum)}))
