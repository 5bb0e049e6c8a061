"""What became of every row of whole health records on import, held against a count that knows nothing of the reader.

For each table (of FHIR: type of resource): rows by Python's csv or json module, rows read, refused by reason, ignored by rule,
used. A source is a line of SOURCES.

SEQUELA_DATA=… python bench/import_ehr.py [NAME …]
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import measure, record

from sequela.pipeline import import_data
from sequela.store.schema import Flow

MAX_REFUSED = 0.05


@dataclass(frozen=True)
class Source:
    """Records to import: the folder under SEQUELA_DATA, the reader, and how its tables are counted without it."""

    folder: str
    reader: str
    counted: Callable[[Path], Mapping[str, int]]  # table, as the reader names it -> rows


def main() -> None:
    chosen = sys.argv[1:] or list(SOURCES)
    with tempfile.TemporaryDirectory() as folder:
        found = {name: imported(SOURCES[name], Path(folder) / name) for name in chosen}
    for name, told in found.items():
        show(name, told)
    if len(chosen) == len(SOURCES):
        sources = {name: {key: value for key, value in told.items() if key != "tables"} for name, told in found.items()}
        record(
            "import_ehr",
            {
                "claim": "every row of whole records is read, refused by reason or ignored by rule, as a separate count finds",
                "holds": all(told["agrees"] for told in found.values()),
                "sources": sources,
                **{name: told["tables"] for name, told in found.items()},
            },
        )


def imported(source: Source, store: Path) -> dict[str, Any]:
    """Rows by table, and whether the sums agree: of each table with the count, of all with what the import accepted."""
    path = Path(os.environ["SEQUELA_DATA"]) / source.folder
    expected = source.counted(path)
    with measure() as cost:
        made = import_data(source.reader, path, store, max_refused=MAX_REFUSED)
    tables = {table: accounted(table, rows, made.flow) for table, rows in sorted(expected.items())}
    used = sum(row["used"] for row in tables.values())
    return {
        "reader": source.reader,
        "rows": sum(expected.values()),
        "used": used,
        "refused": sum(row["refused"] for row in tables.values()),
        "ignored": sum(row["ignored"] for row in tables.values()),
        "events": made.manifest.events,
        "cpu_seconds": round(cost.cpu_seconds, 2),
        "agrees": used == made.flow.accepted and all(row["counted"] == row["read"] for row in tables.values()),
        "reasons": {refusal.reason: refusal.count for refusal in made.flow.refused},
        "tables": tables,
    }


def accounted(table: str, rows: int, flow: Flow) -> dict[str, int]:
    """One table's rows as counted, and as the import tells."""
    read = flow.notes.get(f"{table}: rows read", 0)
    refused = sum(refusal.count for refusal in flow.refused if refusal.reason.startswith(f"{table}: "))
    ignored = sum(count for text, count in flow.notes.items() if text.startswith(f"{table}: rows ignored: "))
    return {"counted": rows, "read": read, "refused": refused, "ignored": ignored, "used": read - refused - ignored}


def show(name: str, told: Mapping[str, Any]) -> None:
    print(f"\n{name}: {told['rows']:,} rows, {told['events']:,} events, sums {'agree' if told['agrees'] else 'DIFFER'}")
    columns = ("counted", "read", "refused", "ignored", "used")
    print(f"{'table':<22}" + "".join(f"{column:>10}" for column in columns))
    for table, row in told["tables"].items():
        print(f"{table:<22}" + "".join(f"{row[column]:>10,}" for column in columns))
    for reason, count in told["reasons"].items():
        print(f"  refused {count:,}: {reason}")


def rows_of_tables(folder: Path, *, upper: bool) -> dict[str, int]:
    """Rows below the header of each CSV file, plain or gzipped, by Python's csv module."""
    found: dict[str, int] = {}
    for file in sorted(folder.rglob("*.csv*")):
        name = file.name.partition(".")[0]
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8", newline="") as text:
            found[name.upper() if upper else name] = sum(1 for row in csv.reader(text) if row) - 1
    return found


def mimic3(folder: Path) -> dict[str, int]:
    return rows_of_tables(folder, upper=True)


def mimic4(folder: Path) -> dict[str, int]:
    """The modules' tables: the list of subjects beside them is none."""
    return rows_of_tables(folder / "hosp", upper=False) | rows_of_tables(folder / "icu", upper=False)


def fhir(folder: Path) -> dict[str, int]:
    """Resources of each type in the bundles of an archive, by Python's json module."""
    found: Counter[str] = Counter()
    for archive in sorted(folder.glob("*.tar.xz")):
        with tarfile.open(archive) as opened:
            for member in opened:
                file = opened.extractfile(member) if member.name.endswith(".json") else None
                found.update(entry["resource"]["resourceType"] for entry in (json.load(file)["entry"] if file else ()))
    return dict(found)


SOURCES: Mapping[str, Source] = {
    "mimic3_demo": Source("mimic3_demo", "mimic3", mimic3),
    "mimic4_demo": Source("mimic4_demo", "mimic4", mimic4),
    "fhir_synthea": Source("fhir_synthea", "fhir", fhir),
}


if __name__ == "__main__":
    main()
