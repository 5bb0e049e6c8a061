"""A stream of batches holds what a run holds, a shard at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela import stream
from sequela.errors import ConfigError
from sequela.pipeline import streaming
from sequela.pipeline.prepared import prepare
from sequela.pipeline.progress import silent
from sequela.pipeline.trial import read
from sequela.store import open_store
from sequela.store.shards import Shards
from sequela.store.store import Store
from sequela.store.write import StoreWriter

STUDY = """
name = "later"
question = "Does it come within ten days of the visit?"
[data]
source = "unused"
[cohort]
index = "EACH//VISIT"
[outcome]
code = "EVENT"
within = "10d"
recurs = true
[inputs.history]
modality = "codes"
encoder = "gru"
[task]
name = "binary"
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Sixty subjects with a few visits each, in several shards."""
    monkeypatch.setattr("sequela.store.write.Shards", lambda folder: Shards(folder, shard_rows=200))
    random = np.random.default_rng(0)
    rows = []
    for subject in range(60):
        for visit in range(int(random.integers(1, 5))):
            day = visit * 20.0
            rows += [(str(subject), day, "VISIT", visit)] + [
                (str(subject), day, f"ICD9CM//{c}", visit) for c in random.integers(100, 110, 6)
            ]
            rows += [(str(subject), day + 3, "EVENT", visit)] if random.random() < 0.4 else []
        rows.append((str(subject), 200.0, "END", 9))
    frame = pl.DataFrame(rows, schema=["source_id", "day", "code", "visit"], orient="row")
    moment = pl.lit(0).cast(pl.Datetime("us")) + pl.duration(days=1) * pl.col("day")
    with StoreWriter(tmp_path / "a.store", "made", "none", 1) as sink:
        for code in frame["code"].unique():
            sink.code(code, "outcome" if code == "EVENT" else "event")
        sink.events(frame.select("source_id", moment.alias("time"), "code", "visit"))
        sink.accept(60)
    return open_store(tmp_path / "a.store")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


@pytest.mark.parametrize("room", [0, 30_000, 2**20])  # bytes: for no shard, for some, for all
def test_a_stream_holds_the_numbers_of_a_run(store: Store, study: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HELD", room)
    held = stream(study, data=store)
    assert len(list(store.shards())) > 2
    prepared = prepare(held.study, study.parent, store, silent)
    split = prepared.split(prepared.plans[0])
    assert held.cohort.row_id.tolist() == split.cohort.row_id.tolist()
    assert held.cohort.part.tolist() == split.cohort.part.tolist()
    assert held.flow.steps == split.flow.steps
    whole = read(split)
    assert held.fitted["history"].state == whole.fitted["history"].state
    inputs = whole.all.inputs["history"]
    for part in ("train", "tune", "test", None):
        seen = []
        for batch in held.batches(part, 16):
            seq = batch.inputs["history"]
            for place, row in enumerate(batch.rows):
                steps = slice(inputs.offsets[row], inputs.offsets[row + 1])
                assert np.array_equal(seq.position[place][seq.mask[place]], inputs.position[steps])
                mine = [set(codes[here]) for codes, here in zip(seq.values[place], seq.seen[place], strict=True) if here.any()]
                entry = np.arange(*inputs.offsets[row : row + 2]) if inputs.take is None else inputs.take[steps]
                theirs = [set(c[h]) for c, h in zip(inputs.values[entry], inputs.seen[entry], strict=True)]
                assert mine == theirs
            assert batch.target is not None
            assert np.array_equal(batch.target.values, held.cohort.target.values[batch.rows])
            seen += batch.rows.tolist()
        assert sorted(seen) == (held.cohort.of(part).tolist() if part else list(range(len(held.cohort))))


def test_epochs_are_shuffled_and_repeatable(store: Store, study: Path) -> None:
    held = stream(study, data=store)
    orders = [[batch.rows.tolist() for batch in held.batches("train", 8, epoch)] for epoch in (0, 0, 1)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert sorted(row for batch in orders[2] for row in batch) == held.cohort.of("train").tolist()


def test_a_study_of_folds_has_no_stream(store: Store, study: Path) -> None:
    with pytest.raises(ConfigError, match="5 splits"):
        stream(study, data=store, overrides=('split.by="folds"',))


def test_an_input_that_must_see_everything_at_once_is_refused(store: Store, study: Path) -> None:
    with pytest.raises(ConfigError, match="measurements"):
        stream(study, data=store, overrides=('inputs.history.modality="measurements"',))
