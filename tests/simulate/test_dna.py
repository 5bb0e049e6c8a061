"""Planted motifs: where the truth says, and nothing simpler than both in order tells the class."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela import seed as streams
from sequela import simulate
from sequela.metrics.discrimination import auroc
from sequela.simulate import dna

MANY = [dna.drawn(streams.generator(3, "dna", k)) for k in range(2000)]


def test_a_motif_stands_where_the_truth_says_but_for_a_letter_here_and_there() -> None:
    alike = [
        np.mean([a == b for a, b in zip(one.letters[begin : begin + len(motif)], motif, strict=True)])
        for one in MANY
        for begin, motif in zip(one.begin, dna.MOTIFS, strict=True)
        if begin >= 0
    ]
    assert np.mean(alike) == pytest.approx(1 - dna.WRONG, abs=0.01)


def test_a_positive_has_both_in_order_within_reach_and_a_negative_has_not() -> None:
    gap = np.array([one.begin[1] - one.begin[0] - len(dna.MOTIFS[0]) if min(one.begin) >= 0 else -99 for one in MANY])
    within = (gap >= dna.REACH[0]) & (gap <= dna.REACH[1])
    assert (within == np.array([one.label == 1 for one in MANY])).all()
    assert {one.kind for one in MANY} == {"both", *dna.NEGATIVES}


def test_the_share_of_no_letter_tells_the_class() -> None:
    label = np.array([one.label == 1 for one in MANY])
    for letter in dna.LETTERS:
        share = np.array([Counter(one.letters)[letter] for one in MANY], float)
        assert abs(float(auroc(share, label)) - 0.5) < 0.05


def test_the_files_hold_the_stretches_and_their_truth(tmp_path: Path) -> None:
    folder = simulate.write("dna", tmp_path / "dna", subjects=30)
    told, truth = pl.read_csv(folder / "dna.csv"), pl.read_csv(folder / "truth.csv")
    assert told["id"].to_list() == truth["id"].to_list()
    assert (told["label"].to_numpy() == (truth["kind"] == "both").to_numpy()).all()
    assert set(told["dna"].str.len_chars()) == {dna.LENGTH}
