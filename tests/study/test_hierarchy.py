"""Labels that stand above others: truth is carried up, answers agree, and what each label tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.config import Outcome
from sequela.errors import ConfigError, DataError
from sequela.study import hierarchy
from sequela.types import Answer, Target

#      a          a: b, c; b: d; c: d, e (d stands below both)
#    b   c
#     d    e
PARENTS = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["c"]}
NAMES = ("a", "b", "c", "d", "e")
OUTCOME = Outcome(column=list(NAMES), hierarchy=PARENTS)


def made(names: tuple[str, ...] = NAMES) -> hierarchy.Hierarchy:
    found = hierarchy.of(OUTCOME, names)
    assert found is not None
    return found


def test_what_holds_holds_of_all_above_it_and_the_rest_stays_as_it_was() -> None:
    unknown = np.array([[False, True, True, True, True], [True, True, True, False, True], [True, True, False, True, False]])
    target = Target(np.array([[0, 0, 0, 1, 0], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0.0]]), unknown, NAMES)
    found = made().propagated(target)
    assert found.values.tolist() == [[1, 1, 1, 1, 0], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]]
    assert found.known.tolist() == [[True] * 5, [True, True, True, False, True], [True, True, False, True, False]]


def test_labels_that_are_not_asked_pass_on_what_stands_above() -> None:
    target = Target(np.array([[0.0, 1.0]]), np.ones((1, 2), bool), ("a", "e"))
    assert made(("a", "e")).propagated(target).values.tolist() == [[1, 1]]


@given(st.integers(0, 2**32 - 1))
def test_no_label_is_likelier_than_one_above_it_and_an_answer_that_agrees_stays(seed: int) -> None:
    found, risks = made(), np.random.default_rng(seed).random((1, 5))
    answer = found.consistent(Answer("probabilities", risks, NAMES))
    for name, above in PARENTS.items():
        assert all(answer.values[0, NAMES.index(name)] <= answer.values[0, NAMES.index(one)] for one in above)
    assert (answer.values >= risks).all()
    np.testing.assert_array_equal(found.consistent(answer).values, answer.values)


def test_a_label_tells_as_much_as_it_is_rare_where_all_above_it_hold() -> None:
    """Of 8 rows with a, 4 have b and 4 c, 2 of them both, of which 1 has d; of the 4 with c, 1 has e."""
    values = np.array(
        [
            *([[1, 0, 0, 0, 0]] * 2),
            *([[1, 1, 0, 0, 0]] * 2),
            *([[1, 0, 1, 0, 0], [1, 0, 1, 0, 1]]),
            *([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]),
        ],
        float,
    )
    bits = made().information(Target(values, np.ones(values.shape, bool), NAMES))
    np.testing.assert_allclose(bits, [0, 1, 1, 1, 2])


def test_labels_that_stand_together_bring_all_above_them_but_the_topmost() -> None:
    outcome = Outcome(column="terms", separator=";", hierarchy=PARENTS)
    assert hierarchy.widened(["d", " e ;b", "a", ";", None], outcome) == ["b;c;d", "b;c;e", ";", ";", None]


def test_of_named_labels_a_study_holds_those_and_what_stands_above_them(tmp_path: Path) -> None:
    (tmp_path / "go.obo").write_text("[Term]\nid: a\n[Term]\nid: b\nis_a: a\n[Term]\nid: c\nis_a: b\n[Term]\nid: x\nis_a: a\n")
    (tmp_path / "go.csv").write_text("child,parent\nb,a\nc,b\nx,a\n")
    for name in ("go.obo", "go.csv"):
        found = hierarchy.gathered(Outcome(column=["c", "a"], hierarchy=name), lambda file: tmp_path / file)
        assert found.hierarchy == {"a": [], "b": ["a"], "c": ["b"]}


def test_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "go.csv").write_text("child,parent\nb,a\nc,b\nb,c\n")
    with pytest.raises(DataError, match="above itself"):
        hierarchy.read(tmp_path / "go.csv")


def test_an_ontology_is_refused_by_its_name_and_line(tmp_path: Path) -> None:
    (tmp_path / "go.obo").write_text("[Term]\nid: a\nis_a: b\n")
    with pytest.raises(DataError, match=r"go.obo, line 1: b, above a"):
        hierarchy.read(tmp_path / "go.obo")
    (tmp_path / "empty.obo").write_text("nothing\n")
    with pytest.raises(DataError, match="no term that is in use"):
        hierarchy.read(tmp_path / "empty.obo")


def test_labels_outside_the_hierarchy_are_refused_and_counted() -> None:
    with pytest.raises(DataError, match="2 of 3 labels are not in the hierarchy, the first 'y'"):
        hierarchy.of(OUTCOME, ("a", "y", "z"))
    with pytest.raises(DataError, match="not in the hierarchy"):
        hierarchy.widened(["a;y"], Outcome(column="terms", separator=";", hierarchy=PARENTS))


def test_a_hierarchy_of_anything_but_labels_is_refused() -> None:
    target = Target(np.zeros((1, 1)), np.ones((1, 1), bool), ("a",))
    with pytest.raises(ConfigError, match="of several labels"):
        hierarchy.propagated(OUTCOME, "binary", target)
    with pytest.raises(ConfigError, match="has not been read"):
        hierarchy.of(Outcome(column=["a"], hierarchy="go.obo"), ("a",))
