"""Coded history: what a visit is, that nothing is lost or leaks, and that shared and repeated records read alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.batch import pad
from sequela.errors import ConfigError, DataError
from sequela.modalities import _beside, _visits, codes
from sequela.modalities._code_events import Wanted, taken
from sequela.modalities._synthetic import Held, events
from sequela.types import Known, Ragged, Shared

Event = tuple[int, float | None, str, int | None]  # row, days before the prediction, code, visit


def known(said: Sequence[Event], rows: int, numbers: Sequence[float | None] | None = None) -> Known:
    columns: dict[str, Any] = {
        "row": [row for row, *_ in said],
        "position": [float("nan") if day is None else day for _, day, *_ in said],
        "code": [code for _, _, code, _ in said],
        "visit": [visit for *_, visit in said],
        "numeric_value": numbers or [None] * len(said),
    }
    frame = events(columns).sort("row", pl.col("position").fill_nan(None), nulls_last=False, maintain_order=True)
    kinds = {code: "static" if code == "AGE" else "event" for _, _, code, _ in said}
    return Known(rows, frame, Held({}), kinds)


def modality(**options: Any) -> codes.Codes:
    return codes.build(config.convert({"min_count": 1, **options}, codes.Config))


def steps(ragged: Ragged, state: codes.State, row: int) -> list[tuple[float, list[str]]]:
    """Of each step when it began, and its tokens."""
    sequence = pad(ragged, np.array([row]))
    found = []
    for place in np.flatnonzero(sequence.mask[0]):
        values, seen = sequence.values[0, place], np.ones(1, bool) if sequence.seen is None else sequence.seen[0, place]
        found.append((float(sequence.position[0, place]), [state.vocabulary.tokens[n] for n in np.atleast_1d(values)[seen]]))
    return found


THREE: list[Event] = [
    (0, -30.0, "ICD9CM//401.9", 7),
    (0, -20.0, "NDC//1", 8),  # begins before visit 7 ends
    (0, -19.0, "NDC//2", 7),
    (0, -19.0, "NDC//1", 7),
    (0, -18.0, "NDC//2", 8),
    (0, -5.0, "NDC//3", None),
    (0, -5.0, "NDC//1", None),
    (0, -4.0, "NDC//3", None),
]


def test_a_visit_is_its_events_wherever_they_stand_and_else_a_moment_is_a_step() -> None:
    said = known(THREE, 2)
    state = modality().fit(said)
    assert steps(modality().read(said, state), state, 0) == [
        (-30.0, ["ICD9CM//401.9", "NDC//1", "NDC//2"]),
        (-20.0, ["NDC//1", "NDC//2"]),
        (-5.0, ["NDC//1", "NDC//3"]),
        (-4.0, ["NDC//3"]),
    ]
    assert steps(modality().read(said, state), state, 1) == []


def test_events_without_time_are_one_step_as_early_as_the_first() -> None:
    said = known([(0, None, "NDC//1", None), (0, None, "NDC//2", None), (0, -3.0, "NDC//1", None)], 1)
    state = modality().fit(said)
    assert steps(modality().read(said, state), state, 0) == [(-3.0, ["NDC//1", "NDC//2"]), (-3.0, ["NDC//1"])]


def test_a_visit_that_is_the_same_for_several_rows_is_held_once() -> None:
    said = known([(row, day - row, code, visit) for row in range(4) for _, day, code, visit in THREE if day], 4)
    state = modality().fit(said)
    ragged = modality().read(said, state)
    assert len(ragged.position) == 16 and ragged.values.shape == (4, 3)


def test_the_numbers_beside_a_step_are_those_of_its_visit() -> None:
    said = known([*THREE, (0, -30.0, "AGE", 7)], 1, [*[None] * len(THREE), 60.0])
    names = _beside.NAMES
    state = modality().fit(said)
    visits = _visits.visits(taken(said, Wanted((), ())).events)
    raw = _beside.raw(_beside.of_visits(visits), said, state.beside.age)
    assert raw[:, names.index("gap")].tolist() == [0, 0, 13, 1]
    assert raw[:, names.index("length")].tolist() == [11, 2, 0, 0]
    assert raw[:, names.index("ago")].tolist() == [19, 18, 5, 4]
    assert raw[:, names.index("ordinal")].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(raw[:, names.index("age")], 60 + np.array([0, 10, 25, 26]) / 365.25)


def test_an_age_is_told_by_the_birth_where_no_age_is() -> None:
    said = known([(0, -3652.5, "MEDS_BIRTH", None), (0, 0.0, "NDC//1", 1)], 1)
    state = modality().fit(said)
    assert state.beside.age == "MEDS_BIRTH" and state.vocabulary.tokens[1:] == ["NDC//1"]
    assert modality().plain(said, state).values[0].tolist() == [1, 1, 10, 0, 0, 0]


CODES = ["ICD9CM//401.9", "NDC//1", "NDC//2", "NDC//3", "ICD9CM//038.11"]
Drawn = list[tuple[int, int, str, int | None]]
DRAWN = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-6, 0), st.sampled_from(CODES), st.sampled_from([None, 1, 2])), min_size=1
)


@given(DRAWN, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_order_of_events_does_not_matter_and_no_code_is_lost(drawn: Drawn, random: Any) -> None:
    said = [(row, float(day), code, visit) for row, day, code, visit in drawn]
    shuffled = list(said)
    random.shuffle(shuffled)
    one, other = known(said, 4), known(shuffled, 4)
    state = modality().fit(one)
    assert msgspec.json.encode(state) == msgspec.json.encode(modality().fit(other))
    for row in range(4):
        found = steps(modality().read(one, state), state, row)
        assert found == steps(modality().read(other, state), state, row)
        assert {code for _, tokens in found for code in tokens} == {code for r, _, code, _ in said if r == row}


@given(DRAWN, st.booleans())
@settings(max_examples=60, deadline=None)
def test_records_that_are_shared_read_as_those_given_row_by_row(drawn: Drawn, as_events: bool) -> None:
    day = 86_400_000_000
    history = sorted(((when, code, visit) for _, when, code, visit in drawn), key=lambda one: one[0])
    frame = pl.DataFrame(
        {"code": [c for _, c, _ in history], "visit": [v for *_, v in history]}, schema={"code": pl.String, "visit": pl.Int64}
    ).with_columns(numeric_value=pl.lit(None, pl.Float32), text_value=pl.lit(None, pl.String), payload=pl.lit(None, pl.String))
    time = np.array([when * day for when, *_ in history], np.int64)
    high = np.array([-3, 0], np.int64) * day
    pairs = [(row, place) for row in range(2) for place in range(len(time)) if time[place] <= high[row]]
    row, place = np.array(pairs, np.int64).reshape(-1, 2).T
    shared = Known(2, Shared(frame, time, row, place, high), Held({}), dict.fromkeys(CODES, "event"))
    apart = replace(shared, source=shared.events)
    made = modality(form="events" if as_events else "visits")
    if not len(row):
        return
    one, other = made.fit(shared), made.fit(replace(apart, subject=np.zeros(2, np.int64)))
    for number in range(2):
        ours, theirs = (pad(made.read(given, one), np.array([number])) for given in (shared, apart))
        np.testing.assert_array_equal(ours.values, theirs.values)
        np.testing.assert_array_equal(ours.position, theirs.position)
        np.testing.assert_allclose(ours.side, theirs.side, atol=1e-6)
    assert set(other.vocabulary.tokens) == set(one.vocabulary.tokens)


def test_an_unknown_code_is_number_zero_and_is_seen() -> None:
    state = modality().fit(known(THREE, 1))
    said = known([(0, -1.0, "NDC//9", 1)], 1)
    sequence = pad(modality().read(said, state), np.array([0]))
    assert sequence.values.tolist() == [[[0]]] and sequence.seen.all() and sequence.mask.all()


def test_only_the_latest_steps_stay_where_so_many_are_asked_for() -> None:
    said = known(THREE, 1)
    state = modality().fit(said)
    some = modality(max_steps=2).read(said, state)
    assert steps(some, state, 0) == steps(modality().read(said, state), state, 0)[-2:]
    all_, kept = modality().read(said, state), some
    assert all_.side is not None and kept.side is not None
    np.testing.assert_array_equal(kept.side, all_.side[-2:])  # the gap and the ordinal are those of the whole history


def test_patterns_choose_codes_and_leave_them_out() -> None:
    said = known(THREE, 1)
    state = modality(codes=["NDC//*"], exclude=["NDC//2"]).fit(said)
    assert state.vocabulary.tokens[1:] == ["NDC//1", "NDC//3"]


def test_counts_are_those_of_the_last_visit_and_of_all() -> None:
    said = known(THREE, 2)
    state = modality().fit(said)
    plain = modality().plain(said, state)
    last, visits = plain.counts
    assert dict(zip(last.names, last.values.toarray()[0], strict=True))["last.NDC//3"] == 1
    assert dict(zip(visits.names, visits.values.toarray()[0], strict=True)) == {
        "visits.unknown or rare": 0, "visits.ICD9CM//401.9": 1, "visits.NDC//1": 3, "visits.NDC//2": 2, "visits.NDC//3": 2,
    }  # fmt: skip
    assert last.values.toarray()[1].sum() == 0 and np.isnan(plain.values[1, 2:]).all()


def test_a_number_beside_each_event_is_scaled_by_its_code() -> None:
    said = known([(0, -2.0, "LOINC//1", 1), (0, -1.0, "LOINC//1", 1), (0, -1.0, "NDC//1", 1)], 1, [10.0, 30.0, None])
    made = modality(form="events", values="side", side=[])
    read = made.read(said, made.fit(said))
    assert read.side is not None and read.side.tolist() == [[-1, 1], [1, 1], [0, 0]]


def test_numbers_beside_sets_are_refused() -> None:
    with pytest.raises(ConfigError, match="a visit is a set"):
        modality(values="side")


def test_no_event_of_the_codes_is_an_error() -> None:
    with pytest.raises(DataError, match="no training row"):
        modality(codes=["ICD10CM//*"]).fit(known(THREE, 1))


def test_parts_of_other_subjects_are_learnt_as_one() -> None:
    said = [(row, float(-row - number), code, row % 2) for row in range(30) for number, code in enumerate(CODES[: 1 + row % 5])]
    whole = replace(known(said, 30), subject=np.arange(30))
    parts = []
    for low in (0, 10, 20):
        mine = [(row - low, day, code, visit) for row, day, code, visit in said if low <= row < low + 10]
        parts.append(replace(known(mine, 10), subject=np.arange(low, low + 10)))
    made = modality(min_count=3)
    assert msgspec.json.encode(made.fit(whole)) == msgspec.json.encode(made.fit_each(parts))
