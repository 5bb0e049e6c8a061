"""Sequences as shares of their runs: counted as by hand, learnt from training alone, refused where letters are none."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import DataError
from sequela.modalities import composition
from sequela.modalities._synthetic import Held, events
from sequela.residues.alphabets import DNA
from sequela.residues.composition import composed, names
from sequela.types import Known


def of(*texts: str | None) -> Known:
    rows = [(row, one) for row, one in enumerate(texts) if one is not None]
    columns = {"row": [r for r, _ in rows], "code": ["SEQUENCE//dna"] * len(rows), "text_value": [t for _, t in rows]}
    frame = events({**columns, "position": [float("nan")] * len(rows)})
    return Known(len(texts), frame, Held({}), {"SEQUENCE//dna": "sequence"})


def built(**options: int) -> composition.Composition:
    return composition.build(composition.Config(alphabet="dna", min_subjects=1, **options))


def test_runs_are_counted_in_a_hundred_places_and_those_with_doubts_are_in_none() -> None:
    told = dict(zip(names(DNA, 2), composed(["ACAC", "acNNA"], DNA, 2).T.tolist(), strict=True))
    assert told["length"] == [4, 5]
    assert told["A"] == [50, 40] and told["C"] == [50, 20] and told["G"] == [0, 0]
    assert told["AC"] == pytest.approx([200 / 3, 25]) and told["CA"] == pytest.approx([100 / 3, 0])


def test_a_column_that_no_training_sequence_varies_in_is_left_out() -> None:
    state = built(k=1).fit(of("AAC", "ACC", "CCC"))
    assert built(k=1).spec(state).names == ("A", "C")


def test_training_rows_have_mean_0_and_spread_1() -> None:
    known = of("AACG", "ACCT", "GGTT", "ACGT")
    values = built().read(known, built().fit(known)).values
    assert isinstance(values, np.ndarray)
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(values.std(0), 1, rtol=1e-5)


def test_a_row_with_what_is_no_letter_has_no_step_and_is_refused() -> None:
    state = built().fit(of("AACG", "ACCT"))
    known = of("ACGT", "ACGU", None)
    assert built().read(known, state).lengths.tolist() == [1, 0, 0]
    assert np.isnan(built().plain(known, state).values[1:]).all()
    assert built().refused(known, state) == ["", "in its sequence, 1 of 4 letters is no letter of dna ('U'), the first at 3", ""]


def test_sequences_of_another_alphabet_are_not_learnt_from() -> None:
    with pytest.raises(DataError, match="none of 2 different texts of SEQUENCE//dna is of dna"):
        built().fit(of("EFL", "PQI"))
