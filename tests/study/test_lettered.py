"""A label for each letter: found by its place, gathered into classes, and refused where it is not as long as its sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.study import cohort as cohorts
from sequela.study import lettered, steps
from sequela.types import Along, Cohort, Letters, Piece, Places, Ragged, Spec, Tags, Target

Q3 = {"H": ["H", "G", "I"], "E": ["E", "B"], "C": ["C", "S", "T"]}
RESIDUES = Spec("residues", (), "index", vocabulary=21)
KINDS = {"SEQUENCE//protein": "sequence", "LABEL//q8": "label"}


def proteins(store: Any, told: dict[str, tuple[str, str | None]]) -> Any:
    events = [(name, None, "SEQUENCE//protein", letters) for name, (letters, _) in told.items()]
    events += [(name, None, "LABEL//q8", label) for name, (_, label) in told.items() if label is not None]
    return store(events, KINDS)


def asked(store: Any, study: Any, told: dict[str, tuple[str, str | None]], labelled: bool = True, **outcome: Any) -> Any:
    plain = {"cohort": {"index": "SAMPLE"}, "task": "tagging", "outcome": {"column": "q8", "letters": True} | outcome}
    return cohorts.build(proteins(store, told), study(**plain), labelled=labelled)


def read_as(texts: list[str], k: int = 1) -> Ragged:
    """Steps of k letters that follow one another by one."""
    begin = [np.arange(max(0, len(text) - k + 1)) for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in begin])]).astype(np.int64)
    first = np.concatenate(begin).astype(np.int32)
    pieces: tuple[tuple[Piece, ...], ...] = tuple(() for _ in texts)
    places = Places(offsets, first, first + np.int32(k), tuple(texts), pieces)
    return Ragged(offsets, np.zeros(len(first), np.int32), first.astype(float), places=places)


def test_each_letter_of_a_row_without_time_has_the_class_that_gathers_its_label(store, study):
    rows, _ = asked(store, study, {"a": ("MKVLA", "HGEC-"), "b": ("AC", "IB")}, classes=Q3)
    letters = rows.target.dense
    assert isinstance(letters, Letters) and rows.target.names == ("H", "E", "C")
    assert letters.value.tolist() == [0, 0, 1, 2, -1, 0, 1] and rows.target.values[:, 0].tolist() == [4, 2]
    found = steps.aligned(rows.target, read_as(["MKVLA", "AC"]), RESIDUES)
    assert isinstance(found.dense, Tags) and found.dense.value.tolist() == letters.value.tolist()
    told = steps.cohort(rows, found.dense, read_as(["MKVLA", "AC"]), RESIDUES)
    assert told.row_id.tolist() == ["a/1", "a/2", "a/3", "a/4", "a/5", "b/1", "b/2"] and np.isnat(told.start).all()
    assert told.target.known[:, 0].tolist() == [True] * 4 + [False] + [True] * 2
    assert isinstance(told.target.dense, Along) and told.target.dense.step.tolist() == [0, 1, 2, 3, 4, 0, 1]


def test_without_classes_the_letters_name_them_and_a_dash_is_unknown_unless_it_is_listed(store, study):
    told = {"a": ("MKVLA", "SS-- ")}
    assert asked(store, study, told | {"b": ("A", "X")})[0].target.names == ("S", "X")
    rows, _ = asked(store, study, told, classes={"signal": ["S"], "rest": ["-"]})
    assert rows.target.names == ("signal", "rest") and rows.target.dense.value.tolist() == [0, 0, 1, 1, -1]


def test_a_label_of_another_length_than_its_sequence_leaves_the_row_out_and_is_counted(store, study):
    rows, flow = asked(store, study, {"a": ("MKV", "HHH"), "b": ("MKVLA", "HHH"), "c": ("MK", None), "d": ("MKE", "--E")})
    assert rows.source_id.tolist() == ["a", "d"] and flow.refused["b"] == lettered.OTHER_LENGTH
    assert "c" in flow.refused
    kept, _ = asked(store, study, {"a": ("MKV", "HHH"), "b": ("MKVLA", "HHH")}, labelled=False)
    assert kept.source_id.tolist() == ["a", "b"] and not kept.target.known[1, 0]


def test_two_labels_that_differ_leave_the_row_out(store, study):
    events = [("a", None, "SEQUENCE//protein", "MK"), ("b", None, "SEQUENCE//protein", "MK")]
    events += [("a", None, "LABEL//q8", "HH"), ("a", None, "LABEL//q8", "HE"), ("b", None, "LABEL//q8", "HE")]
    plain = {"cohort": {"index": "SAMPLE"}, "task": "tagging", "outcome": {"column": "q8", "letters": True}}
    rows, flow = cohorts.build(store(events, KINDS), study(**plain))
    assert rows.source_id.tolist() == ["b"] and flow.refused["a"] == lettered.DIFFERENT


def test_labels_that_no_class_gathers_are_counted(store, study):
    _, flow = asked(store, study, {"a": ("MKVLA", "HHXX-")}, classes={"H": ["H"], "E": ["E"]})
    assert flow.notes["labels that no class gathers"] == 2


@given(st.lists(st.text("HEC-", max_size=12), min_size=1, max_size=5), st.integers(1, 5))
def test_a_step_of_several_letters_has_the_label_of_the_middle_one(labels, k):
    letters, names, _ = lettered._laid(labels, ["H", "E", "C"])
    sequences = ["A" * len(label) for label in labels]
    found = steps.aligned(
        Target(np.zeros((len(labels), 1)), np.zeros((len(labels), 1), bool), names, letters), read_as(sequences, k), RESIDUES
    )
    expected = ["HEC".find(label[begin + (k - 1) // 2]) for label in labels for begin in range(max(0, len(label) - k + 1))]
    assert found.dense.value.tolist() == expected
    assert found.values[:, 0].sum() == sum(value >= 0 for value in expected)


def test_a_sequence_that_was_read_otherwise_than_its_label_is_long_has_no_label():
    letters, names, _ = lettered._laid(["HEH", "EE"], [])
    target = Target(np.array([[3.0], [2.0]]), np.ones((2, 1), bool), names, letters)
    found = steps.aligned(target, read_as(["MKVL", "MK"]), RESIDUES)
    assert found.dense.value.tolist() == [-1] * 4 + [0] * 2 and found.known[:, 0].tolist() == [False, True]


def test_rows_are_taken_with_their_letters_and_steps():
    letters, _, _ = lettered._laid(["HE", "", "EEH"], ["H", "E"])
    assert letters.take(np.array([2, 0])).value.tolist() == [1, 1, 0, 0, 1]
    assert Along(np.array([0, 0, 1]), np.array([0, 1, 0])).take(np.array([2])).row.tolist() == [1]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"classes": {"helix": ["HG"]}}, "'HG'"),
        ({"lasting": True}, "one column of labels"),
        ({"column": ["q8", "q3"]}, "one column of labels"),
    ],
)
def test_an_outcome_that_is_no_column_of_letters_is_refused(store, study, outcome, said):
    with pytest.raises(ConfigError, match=said):
        asked(store, study, {"a": ("MK", "HE")}, **outcome)


def test_letters_are_of_tagging_and_of_inputs_that_stand_for_letters(store, study):
    held = proteins(store, {"a": ("MK", "HE")})
    with pytest.raises(ConfigError, match=r"outcome\.letters is of tagging"):
        cohorts.build(held, study(cohort={"index": "SAMPLE"}, task="multiclass", outcome={"column": "q8", "letters": True}))
    with pytest.raises(DataError, match="no label column 'q9'"):
        asked(store, study, {"a": ("MK", "HE")}, column="q9")
    rows: Cohort = asked(store, study, {"a": ("MK", "HE")})[0]
    with pytest.raises(ConfigError, match="stand for no letters"):
        steps.aligned(rows.target, Ragged(np.array([0, 2]), np.zeros((2, 1), np.float32), np.zeros(2)), RESIDUES)
