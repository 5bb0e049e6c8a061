from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from sequela.errors import DataError
from sequela.modalities import static
from sequela.modalities._synthetic import Held, events
from sequela.types import Known


def patients(ages, sexes) -> Known:
    rows = [(n, "AGE", age, None) for n, age in enumerate(ages) if age is not None]
    rows += [(n, "SEX", None, sex) for n, sex in enumerate(sexes) if sex is not None]
    rows.sort(key=lambda row: row[0])
    row, code, number, text = zip(*rows, strict=True) if rows else ((), (), (), ())
    frame = events({"row": row, "position": [float("nan")] * len(row), "code": code, "numeric_value": number, "text_value": text})
    return Known(len(ages), frame, Held({}), {"AGE": "static", "SEX": "static", "HR": "measurement"})


TRAIN = patients([20 + n for n in range(60)], ["F", "M"] * 29 + ["Smith"] + [None])
BARE = static.build(static.Config(scale="none", clip=0))


def fitted() -> static.State:
    return BARE.fit(TRAIN)


def test_numbers_text_and_what_is_missing_each_have_their_columns():
    state = fitted()
    ragged = BARE.read(patients([50, None, 30], ["M", "F", None]), state)
    assert BARE.spec(state).names == ("AGE", "AGE.missing", "SEX=F", "SEX=M", "SEX=other", "SEX.missing")
    assert ragged.values.tolist() == [[50, 0, 0, 1, 0, 0], [0, 1, 1, 0, 0, 0], [30, 0, 0, 0, 0, 1]]
    assert ragged.seen.tolist() == [[True] * 6, [False] * 2 + [True] * 4, [True] * 2 + [False] * 4]


def test_a_row_of_which_nothing_is_known_has_no_step():
    ragged = BARE.read(patients([None, 50], [None, None]), fitted())
    assert ragged.offsets.tolist() == [0, 0, 1]
    assert ragged.values.shape == (1, 6)


def test_a_rare_or_new_category_is_other_and_is_not_stored():
    state = fitted()
    assert b"Smith" not in msgspec.json.encode(state)
    values = BARE.read(patients([50, 50], ["Smith", "X"]), state).values
    assert values[:, 2:].tolist() == [[0, 0, 1, 0]] * 2


def test_the_latest_value_counts():
    twice = events({"row": [0, 0], "position": [-2.0, -1.0], "code": ["AGE", "AGE"], "numeric_value": [40, 41]})
    known = Known(1, twice, Held({}), {"AGE": "static"})
    assert BARE.read(known, fitted()).values[0, 0] == 41


def test_plain_columns_are_in_their_own_unit_and_nan_where_missing():
    default = static.build(static.Config())
    plain = default.plain(patients([50, None], [None, "M"]), default.fit(TRAIN))
    assert plain.names == ("AGE", "SEX=F", "SEX=M", "SEX=other")
    assert np.array_equal(plain.values, np.array([[50, np.nan, np.nan, np.nan], [np.nan, 0, 1, 0]], np.float32), equal_nan=True)


def test_the_state_survives_json_and_reads_the_same():
    default = static.build(static.Config())
    state = default.fit(TRAIN)
    again = msgspec.json.decode(msgspec.json.encode(state), type=static.State)
    assert again == state
    assert np.array_equal(default.read(TRAIN, again).values, default.read(TRAIN, state).values)


def test_examples_come_from_the_state_alone():
    default = static.build(static.Config())
    known = default.example(default.fit(TRAIN), 200, seed=1)
    assert set(known.events["text_value"].drop_nulls()) <= {"F", "M", "other"}
    assert known.events["numeric_value"].min() >= 20
    assert known.events["numeric_value"].max() <= 79
    assert known.events.equals(default.example(default.fit(TRAIN), 200, seed=1).events)
    assert len(default.read(known, default.fit(TRAIN))) == 200


def test_training_rows_without_statics_are_refused():
    with pytest.raises(DataError, match="no training row has any of the 2 static codes"):
        BARE.fit(patients([None], [None]))


def test_the_time_since_the_index_event_is_a_number_like_others():
    timed = static.build(static.Config(elapsed=True))
    known = replace(TRAIN, start=-np.arange(60.0) % 3 * 365.25)
    state = timed.fit(known)
    asked = replace(patients([50, 50, 50], [None] * 3), start=np.array([0.0, -730.5, np.nan]))
    plain = timed.plain(asked, state)
    assert plain.names[-1] == static.ELAPSED
    np.testing.assert_array_equal(plain.values[:, -1], [0, 730.5, np.nan])
    assert timed.read(asked, state).values[:, -1].tolist() == [0, 0, 1]
