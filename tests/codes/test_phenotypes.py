"""The conditions of the MIMIC-III benchmark, counted on real admissions against SQL."""

from __future__ import annotations

import csv
import sqlite3
import tomllib
from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from sequela.codes import icd9
from sequela.codes.phenotypes import phenotypes


def test_there_are_25_conditions_in_three_kinds_and_no_code_is_in_two() -> None:
    found = phenotypes()
    assert [phenotype.name for phenotype in found] == sorted(phenotype.name for phenotype in found)
    assert Counter(phenotype.kind for phenotype in found) == {"acute": 13, "chronic": 7, "mixed": 5}
    codes = [code for phenotype in found for code in phenotype.codes]
    assert len(found) == 25 and len(codes) == len(set(codes)) == 767
    assert not any("BLOCK" in code or not code.startswith("ICD9CM//") for code in codes)


def test_conditions_are_told_apart_where_prefixes_would_not() -> None:
    of = {code: phenotype.ccs for phenotype in phenotypes() for code in phenotype.codes}
    assert of["ICD9CM//250.00"] == 49 and of["ICD9CM//250.01"] == 49 and of["ICD9CM//250.02"] == 50
    assert of["ICD9CM//428.0"] == 108 and of["ICD9CM//998.0"] == 238 and of["ICD9CM//785.52"] == 249
    assert "ICD9CM//998.3" in of and "ICD9CM//996.62" not in of


def test_admissions_of_each_condition_agree_with_sql(real_data: Callable[[str], Path]) -> None:
    with (real_data("mimic3_demo") / "DIAGNOSES_ICD.csv").open(encoding="utf-8", newline="") as lines:
        billed = [(row["hadm_id"], row["icd9_code"]) for row in csv.DictReader(lines)]
    admissions: dict[str, set[str]] = {}
    for admission, code in billed:
        admissions.setdefault(f"ICD9CM//{icd9.dotted(code)}", set()).add(admission)
    ours = {p.ccs: len(set().union(*(admissions.get(code, set()) for code in p.codes))) for p in phenotypes()}
    assert ours == by_sql(billed)
    assert min(ours.values()) > 0


def by_sql(billed: list[tuple[str, str]]) -> dict[int, int]:
    """The same counts without our code: undotted codes as the file has them, joined in SQLite."""
    text = resources.files("sequela.codes").joinpath("data/phenotypes.toml").read_text(encoding="utf-8")
    groups = [(entry["ccs"], code) for entry in tomllib.loads(text)["phenotype"] for code in entry["codes"].split()]
    with sqlite3.connect(":memory:") as database:
        database.execute("create table billed (admission text, code text)")
        database.execute("create table grouped (ccs integer, code text)")
        database.executemany("insert into billed values (?, ?)", billed)
        database.executemany("insert into grouped values (?, ?)", groups)
        counts = "select ccs, count(distinct admission) from grouped left join billed using (code) group by ccs"
        found = dict(database.execute(counts).fetchall())
    database.close()
    return found
