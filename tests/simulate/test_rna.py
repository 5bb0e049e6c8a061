"""Planted stems: every pair of the truth can pair, and decoys pair as well and never hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela import seed as streams
from sequela import simulate
from sequela.residues import record
from sequela.simulate import rna

MANY = [rna.drawn(streams.generator(3, "rna", k)) for k in range(300)]
BONDS = {*rna.PARTNER.items(), *rna.WOBBLE.items()}


def can(letters: str, pair: tuple[int, int]) -> bool:
    return (letters[pair[0]], letters[pair[1]]) in BONDS


def test_every_pair_can_pair_and_no_letter_has_two_partners() -> None:
    for one in MANY:
        assert all(can(one.letters, pair) for pair in [*one.pairs, *one.decoys])
        places = [place for pair in [*one.pairs, *one.decoys] for place in pair]
        assert len(places) == len(set(places)) and max(places) < len(one.letters) <= rna.LENGTH[1]


def test_pairs_are_nested_and_stand_in_stems() -> None:
    for one in MANY:
        held = set(one.pairs)
        assert not any(a < c < b < d for a, b in held for c, d in held)
        assert all({(low - 1, high + 1), (low + 1, high - 1)} & held for low, high in held)


def test_a_decoy_holds_two_pairs_in_a_row_at_most() -> None:
    assert sum(bool(one.decoys) for one in MANY) > len(MANY) / 4
    for one in MANY:
        for low, high in one.decoys:
            run = [(low + k, high - k) for k in range(rna.BROKEN)]
            assert not all(can(one.letters, pair) and pair in one.decoys for pair in run)


def test_some_pairs_wobble() -> None:
    letters = [(one.letters[low], one.letters[high]) for one in MANY for low, high in one.pairs]
    wobbles = np.mean([pair in rna.WOBBLE.items() for pair in letters])
    assert wobbles == pytest.approx(rna.WOBBLES / 2, abs=0.01)  # half of the letters can


def test_the_files_hold_the_molecules_and_their_truth(tmp_path: Path) -> None:
    folder = simulate.write("rna", tmp_path / "rna", subjects=20)
    told, truth = pl.read_csv(folder / "rna.csv"), pl.read_csv(folder / "truth.csv")
    assert told.columns == ["id", "rna", "pairs"] and told["id"].to_list() == truth["id"].to_list()
    assert told["pairs"].to_list() == truth["pairs"].to_list()
    assert all(record.pairs(pairs, len(letters)) for letters, pairs in told.select("rna", "pairs").iter_rows())
