"""WFDB records as the world has them: each is read for what it is or refused with the reason, and never stops the others."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.readers import wfdb_files as made
from tests.readers.wfdb_files import FRAMES, GAIN, VALUES, annotation, lines, put

import sequela
from sequela.errors import DataError
from sequela.readers import wfdb as reader
from sequela.readers._wfdb_header import parse
from sequela.readers._wfdb_marks import quiet
from sequela.readers._wfdb_segments import opened
from sequela.readers._wfdb_signal import check

with quiet():
    wfdb = pytest.importorskip("wfdb")

PACKAGES = Path(wfdb.__file__).parent.parent
SHIPPED = [file for folder in ("wfdb", "sample-data") for file in sorted((PACKAGES / folder).rglob("*.hea"))]
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(folder, sink, root, **options):
    reader.build(reader.Config(**options)).read(folder(root), sink)
    return sink


def the_record(sink):
    assert not sink.refused
    (payload,) = sink.payloads.values()
    return payload


@pytest.mark.parametrize("what", made.REFUSED)
def test_a_record_that_is_not_what_it_says_is_refused_with_the_reason(tmp_path, folder, sink, what):
    make, reason = made.REFUSED[what]
    make(tmp_path, "bad")
    put(tmp_path, "good", marks=annotation((1, 5)))
    read(folder, sink, tmp_path)
    assert reason in sink.refused["bad"]
    assert str(tmp_path) not in sink.refused["bad"], "a reason tells no path"
    assert "good" in sink.payloads and "bad" not in sink.payloads and "bad" not in set(sink.all["source_id"])
    np.testing.assert_array_equal(sink.payloads["good"].values, (VALUES / GAIN).T.astype(np.float32))


@pytest.mark.parametrize("what", made.READ)
def test_a_record_that_is_odd_but_whole_is_read(tmp_path, folder, sink, what):
    made.READ[what](tmp_path, "odd")
    payload = the_record(read(folder, sink, tmp_path))
    real = np.isfinite(payload.values)
    assert real.any() and (np.abs(payload.values[real]) <= 0.5).all()
    assert len(sink.of("RECORD//END")) == 1 and sink.accepted == 1


def test_the_whole_corpus_is_imported_at_once(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    expected = made.write_all(raw)
    store = sequela.import_data("wfdb", raw, tmp_path / "it.store", max_refused=1.0)
    flow = store.manifest.flow
    assert sum(entry.count for entry in flow.refused) == len(made.REFUSED)
    assert all(any(expected[name] in entry.reason for name in entry.first) for entry in flow.refused)
    stored = set(store.subjects["source_id"])
    assert {name for name, reason in expected.items() if not reason} <= stored
    assert not {name for name, reason in expected.items() if reason} & stored


def test_a_missing_lead_is_not_seen_and_the_other_is(tmp_path, folder, sink):
    made.missing_values(tmp_path, "r", slice(1))
    payload = the_record(read(folder, sink, tmp_path))
    assert np.isnan(payload.values[0]).all()
    np.testing.assert_array_equal(payload.values[1], (VALUES[:, 1] / GAIN).astype(np.float32))


def test_a_gap_between_segments_is_not_seen_and_what_follows_keeps_its_time(tmp_path, folder, sink):
    made.READ["hours between segments"](tmp_path, "r")
    payload = the_record(read(folder, sink, tmp_path))
    assert payload.values.shape == (2, 900_800) and np.isnan(payload.values[:, 400:900_400]).all()
    np.testing.assert_array_equal(payload.values[:, 900_400:], (VALUES / GAIN).T.astype(np.float32))
    assert sink.of("RECORD//END")["time"].to_list() == [datetime(2000, 1, 1) + timedelta(seconds=900_800 / made.RATE)]


def test_an_annotation_beyond_the_end_is_counted_and_the_others_kept(tmp_path, folder, sink):
    made.READ["annotation beyond the end"](tmp_path, "r")
    read(folder, sink, tmp_path)
    assert len(sink.of("BEAT")) == 1 and dict(sink.notes) == {"annotations outside their record, left out": 1}


def test_comments_in_any_alphabet_say_the_age(tmp_path, folder, sink):
    made.READ["comments of every alphabet"](tmp_path, "r")
    (tmp_path / "latin.hea").write_bytes("\n".join([*lines("latin", VALUES), "# Gr\xf6\xdfe, age: 45\n"]).encode("latin-1"))
    (tmp_path / "latin.dat").write_bytes(VALUES.astype("<i2").tobytes())
    assert sorted(read(folder, sink, tmp_path).of("AGE")["numeric_value"]) == [44, 45]


def test_a_lead_without_a_gain_does_not_matter_where_it_is_not_asked_for(tmp_path, folder, sink):
    first, second = lines("r", VALUES)[1:]
    put(tmp_path, "r", [f"r 2 250 {FRAMES}", first.replace("200/mV", "0/mV"), second])
    payload = the_record(read(folder, sink, tmp_path, leads=("V1",)))
    np.testing.assert_array_equal(payload.values[0], (VALUES[:, 1] / GAIN).astype(np.float32))


def test_a_wrong_checksum_can_be_let_pass(tmp_path, folder, sink):
    put(tmp_path, "r", lines("r", VALUES), VALUES + 1)
    payload = the_record(read(folder, sink, tmp_path, checksums=False))
    np.testing.assert_array_equal(payload.values, ((VALUES + 1) / GAIN).T.astype(np.float32))


def test_a_checksum_is_held_against_each_segment(tmp_path, folder, sink):
    made.segments(tmp_path, "r", "r/2 2 250 800", "r_a 400", "r_b 400")
    (tmp_path / "r_b.dat").write_bytes((VALUES + 1).astype("<i2").tobytes())
    assert "checksum" in read(folder, sink, tmp_path).refused["r"]


def test_every_header_cut_anywhere_is_refused_or_read_for_what_is_true(tmp_path):
    put(tmp_path, "r")
    content = (tmp_path / "r.hea").read_bytes()
    taken = 0
    for end in range(len(content)):
        (tmp_path / "r.hea").write_bytes(content[:end])
        with pytest.raises(DataError):
            record = opened(tmp_path / "r.hea")
            check(record, range(len(record.channels)), checksums=True)
        taken += 1
    assert taken == len(content)


@few
@given(place=some.integers(0, FRAMES * 4 - 1), other=some.integers(1, 255))
def test_a_byte_of_the_samples_changed_is_always_found(tmp_path, place, other):
    put(tmp_path, "r")
    content = bytearray((tmp_path / "r.dat").read_bytes())
    content[place] ^= other
    (tmp_path / "r.dat").write_bytes(content)
    with pytest.raises(DataError, match="checksum"):
        check(opened(tmp_path / "r.hea"), [0, 1], checksums=True)


def damaged(content: bytes, changes: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for place, value in changes:
        changed[place % len(changed)] = value
    return bytes(changed)


CHANGES = some.lists(some.tuples(some.integers(0, 10**6), some.integers(0, 255)), min_size=1, max_size=6)


def whole_or_refused(sink) -> None:
    """One record, either refused and nothing of it there, or read with numbers for what is seen."""
    assert len(sink.refused) + sink.accepted == 1
    assert bool(sink.payloads) == bool(sink.accepted) == bool(sink.frames)
    for payload in sink.payloads.values():
        assert payload.values.size and len(payload.channels) == len(payload.values) and not np.isinf(payload.values).any()


@few
@given(changes=CHANGES)
def test_a_header_with_bytes_changed_is_read_or_refused(tmp_path, folder, memory, changes):
    put(tmp_path, "r", marks=annotation((1, 5), (28, 9)))
    header = tmp_path / "r.hea"
    header.write_bytes(damaged(header.read_bytes(), changes))
    whole_or_refused(read(folder, memory(), tmp_path, checksums=False))


@few
@given(changes=CHANGES)
def test_a_header_of_segments_with_bytes_changed_is_read_or_refused(tmp_path, changes):
    made.segments(tmp_path, "r", "r/4 2 250 900", "r_a 400", "~ 50", "r_b 400", "~ 50")
    header = tmp_path / "r.hea"
    header.write_bytes(damaged(header.read_bytes(), changes))
    try:
        record = opened(header)
    except DataError:
        return
    assert record.frames <= 2**34 and record.channels


@few
@given(changes=CHANGES)
def test_annotations_with_bytes_changed_are_read_or_refused(tmp_path, folder, memory, changes):
    steps = [(28, 5), *[(code, 10) for code in (1, 5, 14, 63)]]
    put(tmp_path, "r", marks=damaged(annotation(*steps) + b"(N\0\0", changes))
    whole_or_refused(read(folder, memory(), tmp_path))


@few
@given(content=some.binary(max_size=200))
def test_bytes_of_any_kind_are_no_header_or_one(content):
    try:
        found = parse(content)
    except DataError:
        return
    assert found.rate_hz > 0


@pytest.mark.skipif(not SHIPPED, reason="the wfdb package that is installed ships no records")
@pytest.mark.parametrize("header", SHIPPED, ids=lambda path: path.stem)
def test_records_that_come_with_wfdb_are_read(header, folder, sink):
    record = opened(header)
    check(record, range(len(record.channels)), checksums=True)
