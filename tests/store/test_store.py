"""The store: what is written is read back, whole or not at all, and conforms to MEDS."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.store import open_store
from sequela.store import store as store_module
from sequela.store.shards import Shards
from sequela.store.write import StoreWriter
from sequela.types import Payload

DAY = datetime(2020, 5, 17, 12)
SCHEMA = {
    "source_id": pl.String,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
    "visit": pl.Int64,
    "available": pl.Datetime("us"),
    "superseded": pl.Datetime("us"),
}


def frame(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Events of (source_id, time, code, number, text[, visit, available, superseded])."""
    return pl.DataFrame([(*row, *[None] * (len(SCHEMA) - len(row))) for row in rows], schema=SCHEMA, orient="row")


def write(path: Path, *frames: pl.DataFrame, **changes: Any) -> Path:
    """A store of these frames, with the codes A (measurement) and B (static)."""
    with StoreWriter(path, "made", "none", 1, **changes) as sink:
        sink.code("A", "measurement", unit="mg/dL", description="a lab")
        sink.code("B", "static")
        for events in frames:
            sink.events(events)
        sink.accept()
    return path


ONE = frame(("7", DAY, "A", 1.5, None), ("7", None, "B", None, "x"))


# ------------------------------------------------------------------------------------------------------------ what comes back

values = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))
texts = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8))
moments = st.one_of(st.none(), st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
visits = st.none() | st.integers(-(2**63), 2**63 - 1)
rows = st.tuples(st.sampled_from(["3", "21", "100"]), moments, st.sampled_from("AB"), values, texts, visits, moments, moments)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(rows, min_size=1, max_size=12), min_size=1, max_size=4))
def test_what_is_written_is_read_back(tmp_path: Path, batches: list[list[tuple[Any, ...]]]) -> None:
    path = write(tmp_path / "a.store", *(frame(*batch) for batch in batches))
    given_rows = pl.concat([frame(*batch) for batch in batches]).rename({"source_id": "subject_id"})
    expected = given_rows.cast({"subject_id": pl.Int64}).sort("subject_id", "time", nulls_last=False, maintain_order=True)
    assert open_store(path).events().drop("payload").equals(expected)


def test_events_come_by_subject_then_time_with_those_without_time_first(tmp_path: Path) -> None:
    later = DAY.replace(hour=13)
    path = write(
        tmp_path / "a.store",
        frame(("10", later, "A", 2.0, None), ("9", DAY, "A", 1.0, None)),
        frame(("10", None, "B", 3.0, None)),
    )
    assert open_store(path).events()["numeric_value"].to_list() == [1.0, 3.0, 2.0]


def test_events_of_chosen_codes_and_subjects_only(tmp_path: Path) -> None:
    store = open_store(write(tmp_path / "a.store", ONE, frame(("8", DAY, "A", 9.0, None))))
    assert store.events(codes=["A"], subjects=[8])["numeric_value"].to_list() == [9.0]
    assert store.events(subjects=[]).is_empty()
    assert store.events(codes=["nothing"]).is_empty()


def test_integer_source_ids_are_kept_and_others_numbered_in_order(tmp_path: Path) -> None:
    kept = open_store(write(tmp_path / "a.store", frame(("7", DAY, "A", 1.0, None), ("-3", DAY, "A", 1.0, None))))
    assert kept.subjects.rows() == [(-3, "-3"), (7, "7")]
    named = open_store(write(tmp_path / "b.store", frame(("p2", DAY, "A", 2.0, None), ("p10", DAY, "A", 1.0, None))))
    assert named.subjects.rows() == [(1, "p10"), (2, "p2")]
    assert named.events()["numeric_value"].to_list() == [1.0, 2.0]


def test_a_leading_zero_is_part_of_a_name(tmp_path: Path) -> None:
    store = open_store(write(tmp_path / "a.store", frame(("007", DAY, "A", 1.0, None), ("7", DAY, "A", 2.0, None))))
    assert store.subjects["source_id"].to_list() == ["007", "7"]


def test_a_number_that_is_not_finite_becomes_null_and_is_counted(tmp_path: Path) -> None:
    odd = [float("nan"), float("inf"), 1e39, 1.0]
    events = pl.DataFrame({"source_id": ["1"] * 4, "time": [DAY] * 4, "code": ["A"] * 4, "numeric_value": odd})
    store = open_store(write(tmp_path / "a.store", events))
    assert store.events()["numeric_value"].to_list() == [None, None, None, 1.0]
    assert store.flow.notes == {"numbers that are not finite, left out": 3}


def test_parts_and_codes_come_back(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "a.store", "made", "none", 1, {"x": 1}, source_hash="ff") as sink:
        sink.code("A", "measurement", unit="mg/dL", description="a lab", parents=("LAB", "ANY"))
        sink.code("never used", "event")
        sink.relative_times()
        sink.events(frame(("7", DAY, "A", 1.5, None), ("8", DAY, "A", 1.5, None), ("9", DAY, "A", 1.5, None)))
        for subject, part in [("7", "train"), ("8", "tune"), ("9", "test"), ("unseen", "test")]:
            sink.part(subject, part)
    store = open_store(tmp_path / "a.store")
    assert store.parts == {7: "train", 8: "tune", 9: "test"}
    described = store.codes.select("code", "kind", "unit", "description", "parent_codes").rows()
    assert described == [("A", "measurement", "mg/dL", "a lab", ["LAB", "ANY"])]
    assert (store.dataset.options, store.dataset.source_hash, store.dataset.relative_times) == ({"x": 1}, "ff", True)
    assert store.flow.notes == {"subjects assigned to a part that have no events, left out": 1}


def test_a_store_is_valid_meds(tmp_path: Path) -> None:
    meds = pytest.importorskip("meds")
    with StoreWriter(tmp_path / "a.store", "made", "none", 1) as sink:
        sink.code("A", "measurement")
        sink.code("B", "static")
        sink.events(ONE)
        sink.part("7", "test")
    path = tmp_path / "a.store"
    for shard in (path / meds.data_subdirectory).glob("*.parquet"):
        meds.DataSchema.validate(pq.read_table(shard))
    meds.CodeMetadataSchema.validate(pq.read_table(path / meds.code_metadata_filepath))
    meds.SubjectSplitSchema.validate(pq.read_table(path / meds.subject_splits_filepath))
    meds.DatasetMetadataSchema.validate(json.loads((path / meds.dataset_metadata_filepath).read_text()))


# ---------------------------------------------------------------------------------------------------------------- large imports


def spilling(folder: Path, frames: list[pl.DataFrame], spill_rows: int, shard_rows: int) -> tuple[pl.DataFrame, bytes, int]:
    folder.mkdir()
    shards = Shards(folder, spill_rows=spill_rows, shard_rows=shard_rows)
    for events in frames:
        shards.add(events)
    ids = np.array([int(name) for name in shards.numbers])
    found = shards.write(ids)
    files = sorted((folder / "data").iterdir())
    assert not (folder / "spilled").exists()
    return pl.concat([pl.read_parquet(file) for file in files]), found.digest(), len(files)


def test_spilling_and_sharding_change_neither_the_events_nor_their_hash(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    frames = [
        frame(*((str(draw.integers(50)), DAY.replace(minute=int(draw.integers(60))), "A", float(k), None) for k in range(40)))
        for _ in range(10)
    ]
    whole, digest, one = spilling(tmp_path / "whole", frames, 10**6, 10**6)
    for name, spill_rows, shard_rows in [("spilled", 90, 10**6), ("sharded", 10**6, 60), ("both", 90, 60)]:
        events, other, count = spilling(tmp_path / name, frames, spill_rows, shard_rows)
        assert events.equals(whole)
        assert other == digest
        assert (count > 3) == (shard_rows == 60)
    assert one == 1


def test_events_spill_by_their_bytes_too(tmp_path: Path) -> None:
    events = frame(*((str(k), DAY, "A", None, "long " * 100) for k in range(100)))
    (tmp_path / "x").mkdir()
    shards = Shards(tmp_path / "x", spill_bytes=20_000)
    shards.add(events)
    assert (tmp_path / "x" / "spilled").is_dir()
    assert shards.write(np.arange(100)).rows == 100


def test_integers_and_categories_are_numbered_as_their_text_is(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    texts, numbered = [], []
    for last in (20, 20, 5, 40):
        rows = [(str(draw.integers(last)), DAY, f"C{draw.integers(last)}", float(k), None) for k in range(60)]
        texts.append(frame(*rows))
        own = pl.Categorical() if last < 40 else pl.Categorical(pl.Categories.random())
        numbered.append(frame(*rows).with_columns(pl.col("source_id").cast(pl.Int64), pl.col("code").cast(own)))
    expected, digest, _ = spilling(tmp_path / "texts", texts, 10**6, 50)
    found, other, _ = spilling(tmp_path / "numbered", numbered, 10**6, 50)
    assert found.equals(expected)
    assert other == digest


def test_a_subject_is_in_one_shard_only(tmp_path: Path) -> None:
    frames = [frame(*((str(k % 5), DAY, "A", float(k), None) for k in range(100)))]
    spilling(tmp_path / "x", frames, 30, 10)
    seen = [set(pl.read_parquet(file)["subject_id"]) for file in (tmp_path / "x" / "data").iterdir()]
    assert sorted(subject for shard in seen for subject in shard) == [0, 1, 2, 3, 4]


def test_the_shards_of_a_store_are_stores_of_their_own_subjects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sequela.store.write.Shards", lambda folder: Shards(folder, shard_rows=10))
    store = open_store(write(tmp_path / "a.store", frame(*((str(k % 5), DAY, "AB"[k % 2], float(k), None) for k in range(100)))))
    shards = list(store.shards())
    assert len(shards) > 2
    assert pl.concat([shard.events() for shard in shards]).equals(store.events())
    assert pl.concat([shard.subjects for shard in shards]).equals(store.subjects)
    assert pl.concat([shard.events(["A"], [1, 3]) for shard in shards]).equals(store.events(["A"], [1, 3]))


def test_a_shard_may_give_its_codes_as_places_in_the_code_table(tmp_path: Path) -> None:
    store = open_store(write(tmp_path / "a.store", frame(*((str(k % 5), DAY, "BA"[k % 2], float(k), None) for k in range(30)))))
    (shard,) = (replace(one, numbered=True) for one in store.shards())
    assert store.codes["code"].gather(shard.events()["code"].to_physical()).to_list() == store.events()["code"].to_list()
    assert shard.events(["A", "absent"], [1, 3]).equals(store.events(["A"], [1, 3]))


# ----------------------------------------------------------------------------------------------------------------- content hash


def test_the_content_hash_is_of_the_content_alone(tmp_path: Path) -> None:
    first = open_store(write(tmp_path / "a.store", ONE, frame(("8", DAY, "A", 9.0, None)))).content_hash
    other_order = open_store(write(tmp_path / "b.store", frame(("8", DAY, "A", 9.0, None)), ONE)).content_hash
    assert first == other_order


@pytest.mark.parametrize(
    "changed",
    [
        frame(("7", DAY, "A", 1.6, None), ("7", None, "B", None, "x")),
        frame(("7", DAY, "A", 1.5, None), ("7", None, "B", None, "y")),
        frame(("7", DAY.replace(microsecond=1), "A", 1.5, None), ("7", None, "B", None, "x")),
        frame(("6", DAY, "A", 1.5, None), ("6", None, "B", None, "x")),
        frame(("7", DAY, "A", 0.0, None), ("7", None, "B", None, "x")),
        frame(("7", DAY, "A", None, None), ("7", None, "B", None, "x")),
        frame(("7", DAY, "A", 1.5, ""), ("7", None, "B", None, "x")),
        frame(("7", DAY, "A", 1.5, None, 3), ("7", None, "B", None, "x")),
        frame(("7", DAY, "A", 1.5, None, None, DAY), ("7", None, "B", None, "x")),
        frame(("7", DAY, "A", 1.5, None, None, None, DAY), ("7", None, "B", None, "x")),
    ],
)
def test_any_change_of_an_event_changes_the_content_hash(tmp_path: Path, changed: pl.DataFrame) -> None:
    assert (
        open_store(write(tmp_path / "a.store", ONE)).content_hash != open_store(write(tmp_path / "b.store", changed)).content_hash
    )


def test_a_store_replaced_while_it_is_opened_is_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.store", ONE)
    check = store_module._check_files

    def replaced(*given: Any) -> None:
        monkeypatch.setattr(store_module, "_check_files", check)
        write(path, frame(*(("8", DAY, "A", float(k), None) for k in range(500))))
        check(*given)

    monkeypatch.setattr(store_module, "_check_files", replaced)
    assert len(open_store(path).events()) == 500


# --------------------------------------------------------------------------------------------------------------------- refusals


def test_a_store_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no store at"):
        open_store(tmp_path / "a.store")


def test_another_folder_or_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(DataError, match="is not a store"):
            open_store(path)


def test_a_missing_or_cut_shard_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.store", ONE)
    shard = path / "data" / "0000.parquet"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"data/0000.parquet has \d+ bytes, not \d+"):
        open_store(path)
    shard.unlink()
    with pytest.raises(DataError, match=r"data/0000.parquet is missing"):
        open_store(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.store", ONE)
    manifest = path / "metadata" / "store.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(DataError, match="has format 99") as refused:
        open_store(path)
    assert refused.value.hint == "upgrade sequela"


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.store", ONE)
    manifest = path / "metadata" / "store.json"
    manifest.write_bytes(manifest.read_bytes()[:50])
    with pytest.raises(DataError, match="is damaged"):
        open_store(path)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.store", ONE)
    shard, manifest = path / "data" / "0000.parquet", path / "metadata" / "store.json"
    pl.read_parquet(shard).drop("payload").write_parquet(shard)
    said = json.loads(manifest.read_text())
    said["files"]["data/0000.parquet"] = shard.stat().st_size
    manifest.write_text(json.dumps(said))
    with pytest.raises(DataError, match="has other columns"):
        open_store(path)


def test_a_folder_that_is_not_a_store_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="is not a store; it will not be replaced"):
        write(tmp_path / "papers", ONE)
    assert (tmp_path / "papers" / "thesis.txt").read_text() == "years of work"


def test_a_code_without_a_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did not declare: C"):
        write(tmp_path / "a.store", frame(("7", DAY, "C", 1.5, None)))
    assert list(tmp_path.glob("*.store")) == []


def test_contradictions_of_a_reader_are_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "a.store", "made", "none", 1) as sink:
        sink.code("A", "measurement")
        with pytest.raises(DataError, match="declared twice"):
            sink.code("A", "static")
        with pytest.raises(DataError, match="declared as 'lab'"):
            sink.code("X", "lab")
        sink.part("7", "train")
        with pytest.raises(DataError, match="two parts: train and test"):
            sink.part("7", "test")
        with pytest.raises(DataError, match="the part 'validation'"):
            sink.part("8", "validation")
        with pytest.raises(DataError, match="unknown columns"):
            sink.events(ONE.with_columns(extra=1))
        with pytest.raises(DataError, match=r"1 of 2 events have no source_id"):
            sink.events(frame((None, DAY, "A", 1.0, None), ("7", DAY, "A", 1.0, None)))
        with pytest.raises(DataError, match="times in Europe/Berlin"):
            sink.events(ONE.with_columns(pl.col("time").dt.replace_time_zone("Europe/Berlin")))
        sink.events(ONE.filter(pl.col("code") == "A"))


def test_an_import_without_events_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no events"):
        write(tmp_path / "a.store")


def test_too_large_a_share_of_refused_records_stops_the_import(tmp_path: Path) -> None:
    def attempt(refused: int) -> None:
        with StoreWriter(tmp_path / "a.store", "made", "none", 1, max_refused=0.1) as sink:
            sink.code("A", "measurement")
            sink.code("B", "static")
            sink.events(ONE)
            sink.accept(90)
            for number in range(refused):
                sink.refuse(f"row {number}", "odd")

    attempt(10)
    flow = open_store(tmp_path / "a.store").flow
    assert (flow.accepted, flow.refused_count, flow.refused[0].first[:2]) == (90, 10, ["row 0", "row 1"])
    assert len(flow.refused[0].first) == 10
    with pytest.raises(DataError, match=r"11 of 101 records were refused .* odd \(11; first: row 0, row 1, row 2\)"):
        attempt(11)


# --------------------------------------------------------------------------------------------------------------------- payloads


def payload_store(path: Path, images: list[np.ndarray], signal: np.ndarray) -> tuple[Path, list[str]]:
    with StoreWriter(path, "made", "none", 1) as sink:
        sink.code("IMAGE", "payload")
        uris = [sink.payload(f"image {k}", Payload(image)) for k, image in enumerate(images)]
        uris.append(sink.payload("record", Payload(signal, 360.0, ("MLII", "V1"), "mV")))
        events = {"source_id": ["1"] * len(uris), "time": [DAY] * len(uris), "code": ["IMAGE"] * len(uris), "payload": uris}
        sink.events(pl.DataFrame(events))
    return path, uris


def test_payloads_come_back_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sequela.store.payloads.BLOCK_BYTES", 100)
    monkeypatch.setattr("sequela.store.payloads.WAITING_BYTES", 300)
    draw = np.random.default_rng(0)
    shapes = [(1, 5, 5), (3, 4, 6), (1, 5, 5), (2, 3, 3, 3)]
    images = [draw.integers(0, 255, shapes[k % 4]).astype([np.uint8, np.uint16][k // 13]) for k in range(26)]
    signal = draw.normal(size=(2, 500)).astype(np.float32)
    path, uris = payload_store(tmp_path / "a.store", images, signal)
    store = open_store(path)
    assert store.events()["payload"].to_list() == uris
    assert len(set(uris)) == len(uris)
    for uri, image in zip(uris, images, strict=False):
        opened = store.payloads.open(uri)
        assert opened.values.dtype == image.dtype
        assert np.array_equal(opened.values, image)
        assert opened.rate_hz is None
    wave = store.payloads.open(uris[-1])
    assert np.array_equal(wave.values, signal)
    assert (wave.rate_hz, wave.channels, wave.unit) == (360.0, ("MLII", "V1"), "mV")
    assert not wave.values.flags.writeable


def test_payloads_are_part_of_the_content_hash(tmp_path: Path) -> None:
    image, signal = np.zeros((1, 2, 2), np.uint8), np.zeros((2, 4), np.float32)
    first, _ = payload_store(tmp_path / "a.store", [image], signal)
    second, _ = payload_store(tmp_path / "b.store", [image + 1], signal)
    assert open_store(first).content_hash != open_store(second).content_hash


def test_an_unknown_uri_is_refused(tmp_path: Path) -> None:
    path, _ = payload_store(tmp_path / "a.store", [np.zeros((1, 2, 2), np.uint8)], np.zeros((2, 4), np.float32))
    for uri in ("images-1x2x2-uint8-000.npy#1", "../metadata/store.json", ""):
        with pytest.raises(DataError, match="has no payload"):
            open_store(path).payloads.open(uri)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (Payload(np.zeros((1, 2, 2))), "holds float64"),
        (Payload(np.zeros(4, np.float32)), "has the shape"),
        (Payload(np.zeros((1, 0), np.float32)), "has the shape"),
        (Payload(np.zeros((2, 4), np.float32), 1.0, ("one",)), "names 1 channels and holds 2"),
    ],
)
def test_payloads_that_cannot_be_kept_are_refused(tmp_path: Path, payload: Payload, says: str) -> None:
    with pytest.raises(DataError, match=says), StoreWriter(tmp_path / "a.store", "made", "none", 1) as sink:
        sink.payload("x", payload)


def test_two_payloads_of_one_name_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match="two payloads the name 'x'"),
        StoreWriter(tmp_path / "a.store", "made", "none", 1) as sink,
    ):
        sink.payload("x", Payload(np.zeros((1, 2, 2), np.uint8)))
        sink.payload("x", Payload(np.zeros((1, 2, 2), np.uint8)))
