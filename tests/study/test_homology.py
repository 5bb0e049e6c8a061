"""Splits that keep like sequences in one part, and what the audit tells of those that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.study import audit, homology, split
from sequela.study import cohort as cohorts
from sequela.study.audit import of_split
from sequela.types import PARTS, Cohort, Plain

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
PROTEIN, SMILES = "SEQUENCE//protein", "SEQUENCE//smiles"
RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "c1ccoc1", "c1ccsc1", "C1CCNCC1"]


def protein(random: np.random.Generator, length: int = 120) -> str:
    return "".join(random.choice(LETTERS, length))


def changed(text: str, kept: float, random: np.random.Generator) -> str:
    return "".join(np.where(random.random(len(text)) < kept, list(text), random.choice(LETTERS, len(text))))


def relatives(count: int, each: int, kept: float = 0.8) -> list[str]:
    random = np.random.default_rng(0)
    return [changed(one, kept, random) for one in (protein(random) for _ in range(count)) for _ in range(each)]


@pytest.fixture
def rows_of(store, study):
    """The store, study and cohort of subjects who have a sequence each and every other one the label."""

    def make(sequences: Sequence[str], groups: Sequence[object] = (), code: str = PROTEIN, **sections: object):
        events = [
            event
            for number, one in enumerate(sequences)
            for event in (
                [(f"s{number:04}", None, code, one)] * bool(one) + [(f"s{number:04}", None, "LABEL//y", float(number % 2))]
            )
        ]
        held = store(events, kinds={code: "sequence", "LABEL//y": "label"})
        given = {"cohort": {"index": "SAMPLE", "groups": list(groups)}, "outcome": {"column": "y"}}
        asked = study(**given, **sections)
        cohort, _ = cohorts.build(held, asked)
        return held, asked, homology.grouped(held, asked.cohort, cohort)

    return make


def plan_of(held, asked, cohort) -> split.Plan:
    (plan,) = split.plans(cohort, asked, held, Path())
    return plan


CLUSTER = {"name": "cluster", "sequence": "protein", "by": "kmers", "identity": 0.5}
SCAFFOLD = {"name": "scaffold", "sequence": "smiles", "by": "scaffold"}


def test_clusters_of_proteins_are_in_one_part_by_shares_and_by_folds(rows_of):
    sequences = relatives(40, 4)
    for how in ({"unit": "cluster"}, {"unit": "cluster", "by": "folds", "folds": 4}):
        held, asked, cohort = rows_of(sequences, [CLUSTER], split=how)
        for plan in split.plans(cohort, asked, held, Path()):
            assert (plan.part.reshape(40, 4) == plan.part.reshape(40, 4)[:, :1]).all()
            assert set(plan.part) == set(PARTS)


def test_clusters_are_no_groups_of_the_report_and_a_row_without_a_sequence_is_a_unit_of_its_own(rows_of):
    _, _, cohort = rows_of([*relatives(2, 2), "", ""], [CLUSTER])
    assert not cohort.groups
    assert cohort.units["cluster"].tolist() == ["1", "1", "2", "2", "", ""]
    assert len(set(split.units(cohort, "cluster").tolist())) == 4
    assert cohort.take(np.array([2, 4])).units["cluster"].tolist() == ["2", ""]


def test_molecules_are_grouped_by_scaffold_the_ringless_as_one(rows_of):
    pytest.importorskip("rdkit")
    _, _, cohort = rows_of(["Cc1ccccc1", "CCc1ccccc1", "CCO", "CC(C)O", "Cc1ccncc1", "C1CC("], [SCAFFOLD], SMILES)
    assert cohort.units["scaffold"].tolist() == ["c1ccccc1", "c1ccccc1", "no ring", "no ring", "c1ccncc1", ""]


def test_equal_molecules_are_one_however_they_are_written(rows_of):
    pytest.importorskip("rdkit")
    same = {"name": "same", "sequence": "smiles", "by": "exact"}
    _, _, cohort = rows_of(["OCC", "CC=O", "CC(O)=O", "CCO", "O=CC"], [same], SMILES)
    assert cohort.units["same"].tolist() == ["1", "2", "3", "1", "2"]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"name": "a", "sequence": "protein"}, "does not say which sequences"),
        ({"name": "a", "by": "kmers", "identity": 0.5}, "does not say which sequences"),
        ({"name": "a", "sequence": "protein", "by": "kmers"}, "needs an identity"),
        ({"name": "a", "sequence": "protein", "by": "exact", "identity": 0.5}, "takes no identity"),
        ({"name": "a", "sequence": "gene", "by": "exact"}, "needs the code 'SEQUENCE//gene'"),
    ],
)
def test_a_group_of_sequences_says_which_and_how(rows_of, group, message):
    with pytest.raises(ConfigError, match=message):
        rows_of(["MKV", "MKL"], [group])


def test_letters_of_molecules_are_not_aligned_and_nucleotides_only_where_they_are_nearly_alike(rows_of):
    with pytest.raises(ConfigError, match="would align molecules"):
        rows_of(["CC(=O)O", "c1ccccc1"], [{**CLUSTER, "sequence": "smiles"}], SMILES)
    with pytest.raises(ConfigError, match="unrelated ones have half"):
        rows_of(["ACGTACGT", "GGTTAACC"], [CLUSTER])


def test_scaffolds_are_refused_where_no_sequence_is_a_molecule(rows_of):
    pytest.importorskip("rdkit")
    with pytest.raises(ConfigError, match="none of 2 sequences 'protein' is a molecule"):
        rows_of(["MKVLA", "GTMKL"], [{**SCAFFOLD, "sequence": "protein"}])


def test_nucleotides_are_not_kept_apart_by_an_identity_that_unrelated_ones_have(rows_of):
    held, asked, cohort = rows_of(["ACGTACGT", "GGTTAACC"] * 20, split={"apart": {"sequence": "protein", "identity": 0.5}})
    with pytest.raises(ConfigError, match=r"split\.apart asks for an identity"):
        plan_of(held, asked, cohort)


# ------------------------------------------------------------------------------------------------------------------- the largest


def units_of(sizes: Sequence[int]) -> Cohort:
    """A row for each of so many rows of each unit, one unit after the other."""
    unit = np.repeat(np.arange(len(sizes)), sizes)
    names = np.array([f"s{row}" for row in range(len(unit))])
    never = np.full(len(unit), np.datetime64("NaT"), "datetime64[us]")
    target = cohorts.Target((np.arange(len(unit)) % 2.0)[:, None], np.ones((len(unit), 1), bool), ("y",))
    group = np.array([f"u{one}" for one in unit])
    return Cohort(np.arange(len(unit)), names, names, never, never, np.full(len(unit), ""), target, units={"scaffold": group})


def largest(sizes: Sequence[int], shares: Sequence[float]) -> np.ndarray:
    cohort = units_of(sizes)
    how = config.Split(unit="scaffold", order="largest", shares=tuple(shares))
    return split._by_size(how, split.units(cohort, "scaffold"))


def test_the_largest_units_fill_train_then_tune_then_test():
    """Worked by hand: of 10 rows train takes up to 6, train and tune together up to 8."""
    part = largest([1, 3, 1, 4, 1], (0.6, 0.2, 0.2))
    assert part.tolist() == ["test", *["tune"] * 3, "train", *["train"] * 4, "train"]


@given(st.lists(st.integers(1, 9), min_size=3, max_size=25), st.sampled_from([(0.8, 0.1, 0.1), (0.6, 0.2, 0.2)]))
@settings(max_examples=60, deadline=None)
def test_units_are_dealt_as_the_scaffold_splitter_of_deepchem_deals_them(sizes, shares):
    first = np.cumsum([0, *sizes[:-1]])
    held = [list(range(start, start + size)) for start, size in zip(first.tolist(), sizes, strict=True)]
    total, parts = sum(sizes), {part: [] for part in PARTS}
    for rows in sorted(held, key=lambda rows: (len(rows), rows[0]), reverse=True):
        if len(parts["train"]) + len(rows) <= shares[0] * total:
            parts["train"] += rows
        elif len(parts["train"]) + len(parts["tune"]) + len(rows) <= (shares[0] + shares[1]) * total:
            parts["tune"] += rows
        else:
            parts["test"] += rows
    found = largest(sizes, shares)
    assert {part: np.flatnonzero(found == part).tolist() for part in PARTS} == {part: sorted(parts[part]) for part in PARTS}


def test_a_scaffold_split_leaves_no_scaffold_in_two_parts_and_the_largest_in_train(rows_of):
    pytest.importorskip("rdkit")
    chains = ["C" * (1 + place) for place in range(30)]
    sequences = [chain + RINGS[min(place // 5, 5)] for place, chain in enumerate(chains)]
    held, asked, cohort = rows_of(sequences, [SCAFFOLD], SMILES, split={"unit": "scaffold", "order": "largest"})
    plan = plan_of(held, asked, cohort)
    assert not len(split.overlapping(plan.part, split.units(cohort, "scaffold")))
    assert set(PARTS) == set(plan.part)


def test_subjects_are_not_dealt_in_the_order_of_the_data(rows_of):
    held, asked, cohort = rows_of(relatives(6, 2), split={"order": "largest"})
    with pytest.raises(ConfigError, match="would be dealt as the data lists them"):
        split.plans(cohort, asked, held, Path())


def test_only_a_split_by_subject_has_an_order(rows_of):
    held, asked, cohort = rows_of(relatives(6, 2), [CLUSTER], split={"unit": "cluster", "order": "largest", "by": "folds"})
    with pytest.raises(ConfigError, match="is of a split by subject, not by folds"):
        split.plans(cohort, asked, held, Path())


# ------------------------------------------------------------------------------------------------------------------------- apart


def listed(parts: str) -> dict[str, list[str]]:
    """Which subjects are in train (r), tune (u) and test (t)."""
    return {
        name: [f"s{row:04}" for row, part in enumerate(parts) if part == letter]
        for name, letter in (("train", "r"), ("tune", "u"), ("test", "t"))
    }


def test_rows_of_train_and_tune_that_are_copies_of_test_leave_and_are_counted(rows_of):
    *first, other = relatives(9, 1)
    sequences = [*first, first[0].lower(), first[2], other, first[4]]
    how = {"by": "list", "parts": listed("rrrruuuuttrt"), "apart": {"sequence": "protein"}}
    plan = plan_of(*rows_of(sequences, split=how))
    assert plan.part.tolist() == ["", "train", "", "train", "", *["tune"] * 3, "test", "test", "train", "test"]
    why = "its protein is the same as one of test"
    assert plan.left.tolist() == [why if part == "" else "" for part in plan.part.tolist()]
    assert plan.notes == {f"rows of train and tune left out: {why}": 3}


def test_rows_alike_leave_from_the_identity_on(rows_of):
    random = np.random.default_rng(1)
    first = [protein(random) for _ in range(12)]
    sequences = [*first, changed(first[0], 0.9, random), changed(first[5], 0.6, random), "", ""]
    how = {"by": "list", "parts": listed("rrrruuuurrrrttrt"), "apart": {"sequence": "protein", "identity": 0.8}}
    assert np.flatnonzero(plan_of(*rows_of(sequences, split=how)).part == "").tolist() == [0]
    how = {**how, "apart": {"sequence": "protein", "identity": 0.5}}
    assert np.flatnonzero(plan_of(*rows_of(sequences, split=how)).part == "").tolist() == [0, 5]


def test_what_no_row_has_cannot_be_kept_apart(rows_of):
    held, asked, cohort = rows_of(relatives(20, 1), split={"apart": {"sequence": "gene"}})
    with pytest.raises(DataError, match="no row has the sequence 'gene'"):
        split.plans(cohort, asked, held, Path())


# ------------------------------------------------------------------------------------------------------------------------- audit


def audited(rows_of, sequences: Sequence[str], parts: str, code: str = PROTEIN) -> audit.Alarm:
    held, asked, cohort = rows_of(sequences, code=code)
    cohort = replace(cohort, part=np.array([{"r": "train", "u": "tune", "t": "test"}[part] for part in parts]))
    known = cohorts.cut.known(held, cohort, None)
    material = audit.Material(cohort, Plain(np.zeros((len(cohort), 0), np.float32), ()), known, asked, "binary", cohort)
    return of_split.similar_sequences(material)


def test_copies_of_training_sequences_are_a_leak_and_named(rows_of):
    first = relatives(20, 1)
    alarm = audited(rows_of, [*first, first[3], first[4].lower()], "r" * 15 + "u" * 5 + "tt")
    assert (alarm.severity, alarm.count, alarm.rows) == ("leak", 2, ("s0020", "s0021"))
    assert alarm.text.startswith("2 rows held out have the sequence of a training row of another subject; protein of 7 rows")
    assert "28.6% by 0.9, 28.6% by 0.5" in alarm.text


def test_the_nearest_training_sequence_is_told_where_there_are_no_copies(rows_of):
    random = np.random.default_rng(2)
    first = [protein(random, 200) for _ in range(20)]
    alarm = audited(rows_of, [*first, changed(first[0], 0.65, random), protein(random)], "r" * 20 + "tt")
    assert alarm.severity == "note"
    assert "50.0% by 0.5, 50.0% by 0.3 or more" in alarm.text


def test_molecules_are_compared_by_tanimoto(rows_of):
    pytest.importorskip("rdkit")
    alarm = audited(rows_of, ["CCO", "Cc1ccccc1", "CC(=O)O", "CCCCN", "c1ccccc1C", "CCCCCN"], "rrrrtt", SMILES)
    assert alarm.rows == ("s0004",)
    assert "alike to a training sequence are 50.0% by 0.9, 100.0% by 0.5" in alarm.text


def test_large_parts_are_sampled_and_it_is_said(rows_of, monkeypatch):
    monkeypatch.setattr("sequela.study.similar.ASKED", 4)
    monkeypatch.setattr("sequela.study.similar.AMONG", 5)
    alarm = audited(rows_of, relatives(20, 1), "r" * 12 + "t" * 8)
    assert "protein of 8 rows held out (a sample of 4): alike to a training sequence of 5 drawn are" in alarm.text


def test_where_there_are_no_sequences_nothing_is_asked(store, study):
    held = store([("a", None, "AGE", 3.0), ("a", None, "LABEL//y", 1.0)])
    asked = study(cohort={"index": "SAMPLE"}, outcome={"column": "y"})
    cohort, _ = cohorts.build(held, asked)
    known = cohorts.cut.known(held, cohort, None)
    plain = Plain(np.zeros((1, 0), np.float32), ())
    assert of_split.similar_sequences(audit.Material(cohort, plain, known, asked, "binary", cohort)).severity == "ok"


# --------------------------------------------------------------------------------------------------------------------- cold pairs


@pytest.mark.parametrize("unit", ["drug", "target"])
def test_drugs_or_targets_of_a_table_of_pairs_are_held_out_whole(store, study, unit):
    """Two names of one kinase are one target: a mutant whose sequence is given as the wild type's would be known."""
    sequences = [protein(np.random.default_rng(number)) for number in range(9)]
    sequences.append(sequences[0])
    events = [
        event
        for drug in range(8)
        for target, sequence in enumerate(sequences)
        for event in (
            (f"d{drug}t{target}", None, "DRUG", f"d{drug}"),
            (f"d{drug}t{target}", None, "SEQUENCE//target", sequence),
            (f"d{drug}t{target}", None, "LABEL//affinity", 4 + (drug * 37 + target * 53) % 97 / 16),
        )
    ]
    held = store(events, kinds={"DRUG": "static", "SEQUENCE//target": "sequence", "LABEL//affinity": "label"})
    asked = study(
        cohort={"index": "SAMPLE", "groups": ["drug", {"name": "target", "sequence": "target", "by": "exact"}]},
        outcome={"column": "affinity"},
        task="regression",
        split={"unit": unit, "by": "folds", "folds": 4},
    )
    cohort = homology.grouped(held, asked.cohort, cohorts.build(held, asked, "regression")[0])
    level = {**cohort.groups, **cohort.units}[unit]
    assert len(set(level.tolist())) == {"drug": 8, "target": 9}[unit]
    for plan in split.plans(cohort, asked, held, Path()):
        assert all(len(set(plan.part[level == one].tolist())) == 1 for one in set(level.tolist()))
