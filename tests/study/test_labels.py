from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.study import labels


def values(given, kind="binary", classes=()):
    target = labels.read({"y": given}, kind, classes).target
    return [
        value if known else None for value, known in zip(target.values[:, 0].tolist(), target.known[:, 0].tolist(), strict=True)
    ]


def test_yes_and_no_are_understood_as_sources_write_them():
    assert values(["1", "True", "1.0", "yes", "0", "FALSE", "no", None]) == [1, 1, 1, 1, 0, 0, 0, None]


@pytest.mark.parametrize("raw", ["2", "maybe", "-1", "nan", "1e0", "01"])
def test_anything_else_is_refused_and_never_zero(raw):
    with pytest.raises(DataError, match=r"of 1 rows \(1 distinct values\) is not 0 or 1"):
        values(["0", raw])


def test_a_refusal_does_not_show_the_label():
    with pytest.raises(DataError) as refusal:
        values(["Jane Doe"])
    assert "Jane" not in str(refusal.value)


def test_a_binary_label_may_name_its_two_classes():
    read = labels.read({"y": ["sick", "well", None]}, "binary", ["well", "sick"])
    assert read.target.names == ("sick",)
    assert read.target.values[:, 0].tolist() == [1, 0, 0]
    assert read.target.known[:, 0].tolist() == [True, True, False]
    with pytest.raises(ConfigError, match="two classes"):
        labels.read({"y": ["a"]}, "binary", ["a", "b", "c"])


def test_classes_not_given_are_those_found_numbers_by_size():
    assert labels.read({"y": ["10", "2", "2"]}, "multiclass", ()).target.names == ("2", "10")
    assert labels.read({"y": ["b", "a", None]}, "multiclass", ()).target.names == ("a", "b")


def test_numbers_are_read_as_they_are():
    assert values(["1.5", "-2", None], "regression") == [1.5, -2, None]
    with pytest.raises(DataError, match="not a finite number"):
        values(["1", "inf"], "regression")


def test_a_raw_label_in_two_classes_is_refused():
    with pytest.raises(ConfigError, match="more than once"):
        labels.read({"y": ["a"]}, "multiclass", {"x": ["a"], "z": ["a"]})


def test_one_kind_of_label_takes_one_column():
    with pytest.raises(ConfigError, match="one label, not 2"):
        labels.read({"a": ["1"], "b": ["0"]}, "binary", ())


def test_labels_between_0_and_1_are_for_training_alone():
    target = labels.read({"y": ["0", "0.7", "yes", None], "z": [None, "1", "0", "0.25"]}, "multilabel", (), soft=True).target
    assert target.known.tolist() == [[True, False], [False, True], [True, True], [False, False]]
    assert target.values.tolist() == [[0, 0], [0, 1], [1, 0], [0, 0]]
    assert target.learnt.known.tolist() == [[True, False], [True, True], [True, True], [False, True]]
    assert target.learnt.values.tolist() == [[0, 0], [0.7, 1], [1, 0], [0, 0.25]]
    part = target.take(np.array([3, 1]))
    assert part.learnt.values.tolist() == [[0, 0.25], [0.7, 1]]


@pytest.mark.parametrize("raw", ["1.2", "-0.1", "maybe", "nan"])
def test_what_is_no_share_is_refused(raw):
    with pytest.raises(DataError, match="is not a number from 0 to 1, or yes or no"):
        labels.read({"y": ["0", raw]}, "binary", (), soft=True)


def test_a_label_between_0_and_1_is_refused_where_nobody_asked_for_it():
    with pytest.raises(DataError, match="is not 0 or 1"):
        labels.read({"y": ["0", "0.7"]}, "binary", ())
