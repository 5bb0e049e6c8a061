"""MEDS datasets: others' and our own, read back whole; wrong schemas refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

import sequela
from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.readers import meds
from sequela.store.cache import ingest
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter

NOON = datetime(2020, 5, 1, 12)
COLUMNS = ("subject_id", "time", "code", "numeric_value", "text_value")
ROWS = [
    (5, None, "GENDER//F", None, None),
    (5, NOON, "LAB//Na", 140.0, None),
    (5, NOON, "ADMISSION", None, None),
    (3, NOON, "NOTE", None, "seen"),
    (3, NOON, "MEDS_DEATH", None, None),
]


def dataset(folder: Path, rows: Sequence[tuple[Any, ...]] = ROWS, **metadata: pl.DataFrame) -> Path:
    (folder / "data" / "train").mkdir(parents=True)
    (folder / "metadata").mkdir()
    frame = pl.DataFrame(rows, schema=COLUMNS, orient="row", infer_schema_length=None)
    frame.filter(pl.col("subject_id") == 5).write_parquet(folder / "data" / "train" / "0.parquet")
    frame.filter(pl.col("subject_id") != 5).drop("text_value").write_parquet(folder / "data" / "1.parquet")
    for name, table in metadata.items():
        table.write_parquet(folder / "metadata" / f"{name}.parquet")
    return folder


def read(folder: Path, target: Path, **options: Any) -> Store:
    return ingest(meds.build(config.convert(options, meds.Config)), "meds", meds.VERSION, folder, target, options=options)


def test_a_dataset_of_others_is_read(tmp_path: Path) -> None:
    codes = pl.DataFrame({"code": ["LAB//Na"], "description": ["sodium"], "parent_codes": [["LOINC/2951-2"]]})
    splits = pl.DataFrame({"subject_id": [3, 5], "split": ["held_out", "tuning"]})
    store = read(dataset(tmp_path / "in", codes=codes, subject_splits=splits), tmp_path / "a.store")
    kept = [(3, NOON, "NOTE", None), (3, NOON, "MEDS_DEATH", None), *[row[:4] for row in ROWS if row[0] == 5]]
    assert store.events().select("subject_id", "time", "code", "numeric_value").rows() == kept
    assert store.parts == {3: "test", 5: "tune"}
    kinds = {"GENDER//F": "static", "LAB//Na": "measurement", "ADMISSION": "event", "NOTE": "event", "MEDS_DEATH": "outcome"}
    assert dict(store.codes.select("code", "kind").iter_rows()) == kinds
    sodium = store.codes.row(by_predicate=pl.col("code") == "LAB//Na", named=True)
    assert (sodium["description"], sodium["parent_codes"]) == ("sodium", ["LOINC/2951-2"])
    assert store.events().select("visit", "available", "superseded").null_count().row(0) == (len(ROWS),) * 3
    assert not store.dataset.relative_times


def test_kinds_may_be_stated_by_code_or_its_start(tmp_path: Path) -> None:
    store = read(
        dataset(tmp_path / "in"), tmp_path / "a.store", kinds={"LAB//*": "score", "LAB//Na": "outcome", "NOT*": "outcome"}
    )
    kinds = dict(store.codes.select("code", "kind").iter_rows())
    assert (kinds["LAB//Na"], kinds["NOTE"], kinds["ADMISSION"]) == ("outcome", "outcome", "event")
    with pytest.raises(ConfigError, match="kinds"):
        config.convert({"kinds": {"A": "lab"}}, meds.Config)


def test_our_own_store_is_read_back_the_same(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "own.store", "made", "none", 1) as sink:
        sink.code("HR", "measurement", unit="beats/min", parents=("VITAL", "SIGN"))
        sink.code("SCORE//X", "score")
        sink.events(
            pl.DataFrame({"source_id": ["1", "2"], "time": [NOON, None], "code": ["HR", "SCORE//X"], "numeric_value": [80.0, 2]})
        )
        late = {"available": [NOON.replace(hour=20)], "superseded": [NOON.replace(day=3)], "visit": [7]}
        sink.events(pl.DataFrame({"source_id": ["1"], "time": [NOON], "code": ["HR"], **late}))
        sink.part("2", "test")
    own = open_store(tmp_path / "own.store")
    again = read(tmp_path / "own.store", tmp_path / "a.store")
    assert again.events().equals(own.events())
    assert again.codes.equals(own.codes)
    assert (again.parts, again.content_hash) == (own.parts, own.content_hash)


@pytest.mark.parametrize(("ids", "kept"), [([10, 10, 12, None, 3], [10, 12, None]), (["b", "b", "a", None, "x"], [2, 1, None])])
def test_the_visits_of_others_come_by_the_column_that_is_named(tmp_path: Path, ids: list[Any], kept: list[int]) -> None:
    folder = dataset(tmp_path / "in")
    for file in sorted((folder / "data").rglob("*.parquet")):
        frame = pl.read_parquet(file)
        frame.with_columns(pl.Series("hadm_id", ids[: len(frame)], dtype=pl.Int64 if ids[0] == 10 else pl.String)).write_parquet(
            file
        )
    named = read(folder, tmp_path / "a.store", visit="hadm_id").events(subjects=[5])
    assert sorted(set(named["visit"]), key=str) == sorted({*kept} - {None}, key=str)
    assert read(folder, tmp_path / "b.store").events()["visit"].null_count() == len(ROWS)
    with pytest.raises(DataError, match=r"data/1\.parquet has no column 'visit_id' for the visits"):
        read(folder, tmp_path / "c.store", visit="visit_id")


def test_visits_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "in")
    for file in sorted((folder / "data").rglob("*.parquet")):
        pl.read_parquet(file).with_columns(encounter=pl.lit(1.5)).write_parquet(file)
    with pytest.raises(DataError, match="columns of other types than MEDS has"):
        read(folder, tmp_path / "a.store", visit="encounter")


def test_an_event_without_a_subject_is_refused_and_counted(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "in", [*ROWS * 4, (5, NOON, None, 1.0, None)])
    store = read(folder, tmp_path / "a.store")
    assert (store.flow.accepted, store.flow.refused_count) == (20, 1)
    assert store.flow.refused[0].first == ["data/train/0.parquet"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (pl.col("code").alias("concept"), "lacks the column 'code'"),
        (pl.lit("A7").alias("subject_id"), "columns of other types than MEDS has"),
        (pl.lit("x").alias("numeric_value"), "columns of other types than MEDS has"),
    ],
)
def test_other_schemas_are_refused_by_file(tmp_path: Path, change: pl.Expr, says: str) -> None:
    folder = dataset(tmp_path / "in")
    file = folder / "data" / "train" / "0.parquet"
    frame = pl.read_parquet(file).with_columns(change)
    (frame.drop("code") if "concept" in frame.columns else frame).write_parquet(file)
    with pytest.raises(DataError, match=rf"data/train/0.parquet .*{says}"):
        read(folder, tmp_path / "a.store")


def test_a_damaged_shard_and_a_folder_without_data_are_refused(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "in")
    (folder / "data" / "1.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"data/1.parquet is not Parquet, or damaged"):
        read(folder, tmp_path / "a.store")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.txt").write_text("x")
    with pytest.raises(DataError, match="is no MEDS dataset"):
        read(tmp_path / "other", tmp_path / "a.store")


def check_meds(path: Path) -> None:
    """The store at `path` is MEDS by the `meds` package's own schemas, and keeps the two rules that schemas cannot say."""
    meds_package = pytest.importorskip("meds")
    seen: set[int] = set()
    codes: set[str] = set()
    for shard in sorted((path / meds_package.data_subdirectory).rglob("*.parquet")):
        table = pq.read_table(shard)
        meds_package.DataSchema.validate(table)
        frame = pl.read_parquet(shard, columns=["subject_id", "time", "code"])
        assert frame["subject_id"].rle_id().max() == frame["subject_id"].n_unique() - 1, "a subject's events lie apart"
        assert _in_order(frame), "a subject's events are not by time"
        assert not seen & set(frame["subject_id"]), "a subject is in two shards"
        seen |= set(frame["subject_id"])
        codes |= set(frame["code"].unique())
    table = pq.read_table(path / meds_package.code_metadata_filepath)
    meds_package.CodeMetadataSchema.validate(table)
    assert codes == set(table["code"].to_pylist())
    if (splits := path / meds_package.subject_splits_filepath).exists():
        meds_package.SubjectSplitSchema.validate(pq.read_table(splits))
    metadata = json.loads((path / meds_package.dataset_metadata_filepath).read_text())
    meds_package.DatasetMetadataSchema.validate(metadata)
    ours = set(metadata["additional_value_modality_columns"]) | set(metadata["other_extension_columns"])
    assert ours == set(pq.read_schema(shard).names) - {"subject_id", "time", "code", "numeric_value", "text_value"}


def _in_order(frame: pl.DataFrame) -> bool:
    """Whether each subject's events are by time, those without time first."""
    before = pl.col("time").shift(1).over("subject_id")
    late = pl.col("time").is_null() & before.is_not_null()
    return not frame.select((late | (pl.col("time") < before)).any()).item()


def test_a_store_of_every_column_is_meds_and_comes_back_the_same(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "own.store", "made", "none", 1) as sink:
        sink.code("ICD9CM//038.9", "event", description="sepsis", parents=("ICD9CM//038", "ICD9CM//BLOCK//030-041"))
        sink.code("SEX", "static")
        sink.events(pl.DataFrame({"source_id": ["b", "a"], "time": [None, None], "code": "SEX", "text_value": ["F", None]}))
        late = {"available": [NOON.replace(hour=20), None], "superseded": [None, NOON.replace(day=3)], "visit": [7, None]}
        sink.events(pl.DataFrame({"source_id": ["b", "a"], "time": [NOON, NOON], "code": "ICD9CM//038.9", **late}))
        sink.part("a", "tune")
    check_meds(tmp_path / "own.store")
    own, again = open_store(tmp_path / "own.store"), read(tmp_path / "own.store", tmp_path / "a.store")
    check_meds(tmp_path / "a.store")
    assert again.events().equals(own.events()) and again.codes.equals(own.codes) and again.parts == own.parts


@pytest.mark.parametrize(("reader", "name"), [("mimic3", "mimic3_demo"), ("mimic4", "mimic4_demo"), ("fhir", "fhir_synthea")])
@pytest.mark.slow
def test_real_records_become_meds_and_come_back_the_same(
    reader: str, name: str, tmp_path: Path, real_data: Callable[[str], Path]
) -> None:
    own = sequela.import_data(reader, real_data(name), tmp_path / "own.store")
    check_meds(tmp_path / "own.store")
    again = read(tmp_path / "own.store", tmp_path / "a.store")
    assert again.flow.accepted == len(own.events()) and again.flow.refused == []
    assert again.events().equals(own.events()) and again.codes.equals(own.codes)
