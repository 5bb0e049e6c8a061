"""Tables of interacting drugs: what is read, what is refused, and sets without pairs that may not be."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sequela.errors import DataError
from sequela.study import interactions

TABLE = Path(__file__).parent / "tables" / "interactions.csv"
NAMES = ("ATC//C10AA01", "ATC//J01FA09", "ATC//G04BE03", "ATC//C01DA14", "ATC//C01DA02", "ATC//M03BX02", "ATC//J01MA02")
NAMES += ("ATC//B01AA03", "ATC//B01AC06")
HEADER = "drug_a,drug_b,severity,source\n"


def read(tmp_path: Path, text: str) -> interactions.Interactions:
    (tmp_path / "ddi.csv").write_text(text)
    return interactions.read(tmp_path / "ddi.csv")


def test_a_table_of_published_interactions_is_read_with_its_provenance() -> None:
    table = interactions.read(TABLE)
    assert table.file == "interactions.csv" and len(table.sha256) == 64 and len(table.pairs) == 4
    assert all("prescribing information" in pair.source for pair in table.pairs)
    found = interactions.matrix(table, NAMES)
    assert (found == found.T).all() and not found.diagonal().any()
    pairs = {(NAMES[i], NAMES[j]) for i, j in combinations(range(len(NAMES)), 2) if found[i, j]}
    assert pairs == {
        ("ATC//C10AA01", "ATC//J01FA09"),
        ("ATC//G04BE03", "ATC//C01DA14"),
        ("ATC//G04BE03", "ATC//C01DA02"),
        ("ATC//M03BX02", "ATC//J01MA02"),
        ("ATC//B01AA03", "ATC//B01AC06"),
    }


def test_only_the_severities_asked_for_count() -> None:
    table = interactions.read(TABLE)
    never = interactions.matrix(table, NAMES, ("contraindicated",))
    assert never.sum() == interactions.matrix(table, NAMES).sum() - 2
    assert not never[NAMES.index("ATC//B01AA03")].any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drug_a,drug_b,source\na,b,x\n", "no column 'severity'"),
        (HEADER, "no rows"),
        (HEADER + "a,b,serious,x\n", "line 2: the severity 'serious'"),
        (HEADER + "a,b,major,x\nc,c,major,x\n", "line 3: 'c' is said to interact with itself"),
        (HEADER + "a,b,major,x\nb,a,minor,y\n", "line 3: b with a stands in line 2 already"),
        (HEADER + "a,b,major,\n", "line 2: the column 'source' is empty"),
        (HEADER + 'a,b,major,"x\n', "not a table of text"),
    ],
)
def test_a_table_that_is_not_understood_is_refused_by_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(tmp_path, text)


def test_a_drug_that_the_outcome_does_not_name_is_refused_unless_others_are_let_pass(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER + "ATC//C10AA1,ATC//J01FA09,major,x\n")
    with pytest.raises(DataError, match="'ATC//C10AA1' is none of the 9 drugs") as error:
        interactions.matrix(table, NAMES)
    assert "ATC//C10AA01" in error.value.hint
    assert not interactions.matrix(table, NAMES, others=True).any()


def test_of_a_chain_the_ends_are_kept() -> None:
    never = np.zeros((3, 3), bool)
    never[0, 1] = never[1, 0] = never[1, 2] = never[2, 1] = True
    kept = interactions.without_pairs(np.array([[0.9, 0.5, 0.4], [0.1, 0.5, 0.4]]), never)
    assert kept.tolist() == [[0.9, 0, 0.4], [0, 0.5, 0]]


@given(arrays(np.float64, (6, 5), elements=st.floats(0, 1)), arrays(bool, (5, 5)), st.floats(0.01, 0.99))
def test_no_set_holds_a_pair_that_may_never_be_and_nothing_is_removed_without_cause(
    values: np.ndarray, half: np.ndarray, cut: float
) -> None:
    never = np.triu(half, 1) | np.triu(half, 1).T
    kept = interactions.without_pairs(values, never)
    called = kept >= cut
    assert not (called[:, :, None] & called[:, None, :] & never).any()
    assert ((kept == values) | (kept == 0)).all()
    for row, drug in zip(*np.nonzero((values >= cut) & ~called), strict=True):
        likelier = called[row] & never[drug] & (values[row] >= values[row, drug])
        assert likelier.any(), "what was removed interacts with something likelier that is recommended"
