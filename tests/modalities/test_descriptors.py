"""Molecules as numbers: RDKit's descriptors and fingerprints, what is no molecule, and what rows share."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import ConfigError, DataError
from sequela.modalities import descriptors
from sequela.modalities._synthetic import Held, events
from sequela.residues.descriptors import KNOWN, described, fingerprints, names
from sequela.types import Known

ETHANOL, BENZENE = KNOWN[:2]


def molecules(*smiles: str | None, code: str = "SEQUENCE//smiles", **others: str) -> Known:
    rows = [(row, one) for row, one in enumerate(smiles) if one is not None]
    row, text = zip(*rows, strict=True) if rows else ((), ())
    columns = {"row": row, "position": [float("nan")] * len(row), "code": [code] * len(row), "text_value": text}
    return Known(len(smiles), events(columns), Held({}), {code: "sequence", **others})


def built(**options: int) -> descriptors.Descriptors:
    return descriptors.build(descriptors.Config(min_subjects=1, **options))


def test_a_molecule_has_the_weight_and_the_rings_that_chemistry_gives_it() -> None:
    values = dict(zip(names(), described([ETHANOL, BENZENE]).T, strict=True))
    np.testing.assert_allclose(values["MolWt"], [46.069, 78.114])
    assert values["RingCount"].tolist() == [0, 1]
    assert values["NumHDonors"].tolist() == [1, 0]


def test_a_fingerprint_does_not_depend_on_how_the_molecule_is_spelt() -> None:
    one, other, else_ = fingerprints(["CCO", "OCC", "CCN"], 2, 256)
    assert (one == other).all() and (one != else_).any()
    assert one.sum() == 6  # three atoms, each alone and with its neighbours


def test_plain_columns_are_in_their_own_units_and_absent_for_what_is_no_molecule() -> None:
    known = molecules(*KNOWN, "C1CC", None)
    state = built(bits=64).fit(known)
    plain = built(bits=64).plain(known, state)
    assert plain.values[0, plain.names.index("MolWt")] == pytest.approx(46.069)
    assert np.isnan(plain.values[len(KNOWN) :]).all()
    assert plain.counts[0].values[len(KNOWN) :].nnz == 0


def test_a_row_whose_text_is_no_molecule_has_no_step_and_is_refused() -> None:
    state = built().fit(molecules(*KNOWN))
    known = molecules(ETHANOL, "C1CC", None)
    assert built().read(known, state).lengths.tolist() == [1, 0, 0]
    assert built().refused(known, state) == ["", "its SMILES is no molecule", ""]


def test_rows_with_one_molecule_hold_it_once() -> None:
    state = built().fit(molecules(*KNOWN))
    ragged = built().read(molecules(ETHANOL, BENZENE, ETHANOL), state)
    assert ragged.values.shape[0] == 2
    assert ragged.same is not None and ragged.same[0] == ragged.same[2] != ragged.same[1]


def test_several_sequences_must_be_told_apart() -> None:
    known = molecules(*KNOWN, **{"SEQUENCE//target": "sequence"})
    with pytest.raises(ConfigError, match="2 kinds of sequences: smiles, target"):
        built().fit(known)
    with pytest.raises(DataError, match="no sequences 'smile'"):
        descriptors.build(descriptors.Config(sequence="smile")).fit(known)


def test_texts_that_are_no_molecules_at_all_are_not_learnt_from() -> None:
    with pytest.raises(DataError, match="none of 2 different texts of SEQUENCE//smiles is a molecule"):
        built().fit(molecules("not", "smiles"))
