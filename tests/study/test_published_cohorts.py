"""Published definitions on the demo of MIMIC-III, each counted a second time by SQL over the raw tables."""

from __future__ import annotations

import csv
import gzip
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sequela import config
from sequela.codes.phenotypes import phenotypes
from sequela.pipeline import import_data
from sequela.store.store import Store
from sequela.study import cohort

pytestmark = pytest.mark.slow  # it reads the whole demo of MIMIC-III by two ways
STUDIES = Path(__file__).resolve().parents[2] / "studies" / "ehr"
TIMES = {  # table -> the time of a row, when it was known, which rows count
    "chartevents": ("charttime", "storetime", "coalesce(error, '0') != '1' AND coalesce(valuenum, value) IS NOT NULL"),
    "datetimeevents": ("charttime", "storetime", "coalesce(error, '0') != '1' AND value IS NOT NULL"),
    "labevents": ("charttime", "charttime", "coalesce(valuenum, value) IS NOT NULL"),
    "outputevents": ("charttime", "storetime", "coalesce(iserror, '0') != '1'"),
    "inputevents_cv": ("charttime", "storetime", "1"),
    "inputevents_mv": ("starttime", "max(endtime, storetime)", "statusdescription != 'Rewritten' AND cancelreason = '0'"),
    "procedureevents_mv": ("starttime", "max(endtime, storetime)", "cancelreason = '0'"),
    "prescriptions": ("startdate", "datetime(startdate, '+1 day')", "1"),
    "transfers": ("intime", "intime", "1"),
    "services": ("transfertime", "transfertime", "1"),
    "callout": ("createtime", "createtime", "1"),
    "patients": ("dob", "dob", "1"),
    "icustays": ("intime", "intime", "1"),
}
MOMENTS = " UNION ".join(
    f"SELECT subject_id, {time} AS time, coalesce({known}, {time}) AS known FROM {table} WHERE {time} IS NOT NULL AND {rows}"
    for table, (time, known, rows) in TIMES.items()
)
KEPT = {"chartevents": {"subject_id", "charttime", "storetime", "value", "valuenum", "error"}}  # of a table this large
STAYS = """
    CREATE TABLE stays AS
    SELECT subject_id, hadm_id, admittime, max(dischtime, coalesce(deathtime, dischtime)) AS dischtime, deathtime FROM admissions;
    CREATE TABLE deaths AS
    SELECT subject_id, coalesce((SELECT max(deathtime) FROM stays WHERE stays.subject_id = patients.subject_id), dod) AS time
    FROM patients;
    CREATE TABLE benchmark AS
    SELECT i.subject_id, i.hadm_id, i.intime, i.outtime, s.dischtime, s.deathtime,
           (julianday(i.outtime) - julianday(i.intime)) * 24 AS los
    FROM icustays i JOIN stays s USING (hadm_id) JOIN patients p ON p.subject_id = i.subject_id
    WHERE i.first_careunit = i.last_careunit AND i.first_wardid = i.last_wardid
      AND (SELECT count(*) FROM icustays o WHERE o.hadm_id = i.hadm_id) = 1
      AND (julianday(i.intime) - julianday(p.dob)) / 365 >= 18;
"""  # benchmark: the stays of Harutyunyan 2019
HOURS = """
    WITH RECURSIVE hours AS (
        SELECT 5 AS hour, los, (julianday(deathtime) - julianday(intime)) * 24 AS lived FROM benchmark WHERE los >= 5
        UNION ALL SELECT hour + 1, los, lived FROM hours WHERE hour + 1 <= los
    )
"""


@pytest.fixture(scope="module")
def mimic() -> Path:
    root = Path(os.environ.get("SEQUELA_DATA", "")) / "mimic3_demo"
    if not os.environ.get("SEQUELA_DATA") or not root.is_dir():
        pytest.skip("the real data set 'mimic3_demo' is not under SEQUELA_DATA")
    return root


@pytest.fixture(scope="module")
def raw(mimic: Path) -> sqlite3.Connection:
    """The demo's tables as they are, all columns text, nothing where a field is empty."""
    found = sqlite3.connect(":memory:")
    for table in ("admissions", "diagnoses_icd", *TIMES):
        head, *rows = lines(mimic, table)
        used = [place for place, name in enumerate(head) if name in KEPT.get(table, head)]
        found.execute(f"CREATE TABLE {table} ({', '.join(head[place] for place in used)})")
        places = ", ".join("?" * len(used))
        found.executemany(f"INSERT INTO {table} VALUES ({places})", ([row[place] or None for place in used] for row in rows))
    found.executescript(STAYS)
    return found


def lines(folder: Path, table: str) -> Iterator[list[str]]:
    plain, packed = folder / f"{table.upper()}.csv", folder / f"{table.upper()}.csv.gz"
    with plain.open(newline="") if plain.exists() else gzip.open(packed, "rt", newline="") as file:
        yield from csv.reader(file)


@pytest.fixture(scope="module")
def store(mimic: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return import_data("mimic3", mimic, tmp_path_factory.mktemp("mimic") / "demo.store")


def counted(store: Store, name: str) -> tuple[int, int]:
    """Rows and positives of a study."""
    rows, _ = cohort.build(store, config.load(STUDIES / f"{name}.toml"))
    return len(rows), int(rows.target.values[:, 0].sum())


def test_death_in_intensive_care_a_day_ahead_is_that_of_meds_dev(store, raw):
    (by_hand,) = raw.execute("""
        WITH leaving AS (
            SELECT subject_id, outtime AS time FROM icustays UNION SELECT subject_id, time FROM deaths WHERE time IS NOT NULL
        ),
        asked AS (
            SELECT i.subject_id, datetime(i.intime, '+48 hours') AS until FROM icustays i
            WHERE NOT EXISTS (SELECT 1 FROM leaving l WHERE l.subject_id = i.subject_id
                              AND l.time > i.intime AND l.time <= datetime(i.intime, '+48 hours'))
              AND NOT EXISTS (SELECT 1 FROM icustays o WHERE o.subject_id = i.subject_id
                              AND o.intime > i.intime AND o.intime <= datetime(i.intime, '+48 hours'))
        ),
        ended AS (
            SELECT a.subject_id, (SELECT min(time) FROM leaving l WHERE l.subject_id = a.subject_id AND l.time > a.until) AS time
            FROM asked a
        )
        SELECT count(*), sum(EXISTS (SELECT 1 FROM deaths d WHERE d.subject_id = e.subject_id AND d.time = e.time))
        FROM ended e WHERE e.time IS NOT NULL
    """)
    assert counted(store, "aces/icu_mortality_24h") == by_hand


def test_readmission_within_30_days_is_that_of_meds_dev(store, raw):
    (by_hand,) = raw.execute(f"""
        WITH last AS (
            SELECT subject_id, max(time) AS time FROM (
                SELECT subject_id, time FROM ({MOMENTS}) UNION ALL SELECT subject_id, time FROM deaths
                UNION ALL SELECT subject_id, admittime FROM stays UNION ALL SELECT subject_id, dischtime FROM stays
            ) GROUP BY subject_id
        )
        SELECT count(*), sum(EXISTS (SELECT 1 FROM stays n WHERE n.subject_id = s.subject_id AND n.admittime > s.dischtime
                                     AND n.admittime <= datetime(s.dischtime, '+30 days')))
        FROM stays s JOIN last USING (subject_id)
        WHERE last.time > datetime(s.dischtime, '+30 days')
          AND EXISTS (SELECT 1 FROM stays p WHERE p.subject_id = s.subject_id AND p.admittime <= s.dischtime)
    """)
    assert counted(store, "aces/readmission_30d") == by_hand


def test_a_long_stay_is_that_of_aces(store, raw):
    (by_hand,) = raw.execute(f"""
        WITH moments AS (
            SELECT subject_id, time, known FROM ({MOMENTS})
            UNION SELECT subject_id, admittime, admittime FROM stays UNION SELECT subject_id, dischtime, dischtime FROM stays
            UNION SELECT subject_id, edregtime, edregtime FROM admissions
            UNION SELECT subject_id, edouttime, edouttime FROM admissions
            UNION SELECT subject_id, outtime, outtime FROM icustays
        )
        SELECT count(*), sum(EXISTS (SELECT 1 FROM stays o WHERE o.subject_id = s.subject_id AND o.dischtime > s.admittime
                                     AND o.dischtime <= datetime(s.admittime, '+7 days')))
        FROM stays s
        WHERE (SELECT count(DISTINCT m.time) FROM moments m WHERE m.subject_id = s.subject_id
               AND m.time <= s.admittime AND m.known <= s.admittime) >= 5
          AND NOT EXISTS (SELECT 1 FROM stays o WHERE o.subject_id = s.subject_id AND o.dischtime >= s.admittime
                          AND o.dischtime <= datetime(s.admittime, '+24 hours'))
    """)
    assert counted(store, "aces/long_stay") == by_hand


# ------------------------------------------------------------------------------------------------- the benchmark of MIMIC-III


def test_the_next_visit_of_each_discharge_is_counted_as_by_hand(store, raw):
    (by_hand,) = raw.execute("""
        SELECT count(*), sum(deathtime IS NOT NULL) FROM (
            SELECT n.deathtime, row_number() OVER (PARTITION BY s.hadm_id ORDER BY n.admittime) AS place
            FROM stays s JOIN stays n ON n.subject_id = s.subject_id AND n.admittime > s.dischtime
        ) WHERE place = 1
    """)
    assert counted(store, "next_visit_mortality") == by_hand


def test_mortality_at_48_hours_has_the_stays_of_the_benchmark(store, raw):
    (by_hand,) = raw.execute("SELECT count(*), sum(deathtime IS NOT NULL) FROM benchmark WHERE los >= 48")
    assert counted(store, "mimic3/in_hospital_mortality_48h") == by_hand


def test_decompensation_has_the_hours_of_the_benchmark(store, raw):
    (by_hand,) = raw.execute(
        f"{HOURS} SELECT count(*), sum(coalesce(lived - hour < 24, 0)) FROM hours WHERE coalesce(lived, los) >= hour"
    )
    assert counted(store, "mimic3/decompensation") == by_hand


def test_length_of_stay_has_the_hours_of_the_benchmark(store, raw):
    ((rows, hours),) = raw.execute(f"{HOURS} SELECT count(*), sum(los - hour) FROM hours")
    found, _ = cohort.build(store, config.load(STUDIES / "mimic3" / "length_of_stay.toml"))
    assert len(found) == rows
    assert found.target.values.sum() == pytest.approx(hours)


def test_phenotypes_are_billed_to_as_many_stays_as_in_the_benchmark(store, raw):
    found, _ = cohort.build(store, config.load(STUDIES / "mimic3" / "phenotyping.toml"))
    assert [len(found)] == [n for (n,) in raw.execute("SELECT count(*) FROM benchmark")]
    for phenotype, name in zip(phenotypes(), found.target.names, strict=True):
        codes = [code.removeprefix("ICD9CM//").replace(".", "") for code in sorted(phenotype.codes)]
        ((by_hand,),) = raw.execute(
            "SELECT count(DISTINCT hadm_id) FROM benchmark JOIN diagnoses_icd USING (hadm_id) "
            f"WHERE icd9_code IN ({', '.join('?' * len(codes))})",
            codes,
        )
        assert found.target.values[:, found.target.names.index(name)].sum() == by_hand
