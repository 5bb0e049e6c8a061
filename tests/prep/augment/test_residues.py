"""Changes of sequences of residues: exact, replayable, each row by itself, refused where they mean nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sequela.errors import ConfigError, DataError
from sequela.prep import augment
from sequela.prep.augment.views import views
from sequela.residues import smiles
from sequela.residues.alphabets import DNA, PROTEIN
from sequela.residues.complement import reverse_complement
from sequela.types import Seq, Spec

UNKNOWN = "unknown or rare"
LETTERS = Spec("residues", (), "index", (UNKNOWN, *DNA.legal), 18, alphabet="dna")
PAIRS = Spec("residues", (), "index", (UNKNOWN, *(a + b for a in "ACGT" for b in "ACGT")), 17, alphabet="dna")
RESIDUES = Spec("residues", (), "index", (UNKNOWN, *PROTEIN.legal), 30, alphabet="protein")
DRUGS = ("CC(=O)Oc1ccccc1C(=O)O", "CCO", "CC(=O)Oc1ccc")
TOKENS = (UNKNOWN, *sorted({token for drug in DRUGS for token in smiles.tokens(drug)}))
MOLECULES = Spec("residues", (), "index", TOKENS, len(TOKENS), alphabet="smiles")


def seq_of(rows: list[list[str]], spec: Spec) -> Seq:
    """Rows of tokens, padded."""
    steps = max(map(len, rows))
    values = torch.tensor([[spec.names.index(one) for one in row] + [0] * (steps - len(row)) for row in rows])
    mask = torch.arange(steps) < torch.tensor(list(map(len, rows)))[:, None]
    return Seq(values, mask, torch.arange(steps, dtype=torch.float64).where(mask, 0))


def rows_of(seq: Seq, spec: Spec) -> list[list[str]]:
    lengths = seq.mask.sum(1).tolist()
    return [[spec.names[one] for one in row[:count]] for row, count in zip(seq.values.tolist(), lengths, strict=True)]


def changed(seq: Seq, spec: Spec, change: dict[str, object], seed: int = 0) -> Seq:
    return augment.build([change], spec)(seq, torch.Generator().manual_seed(seed))


def test_the_other_strand_of_letters_and_of_kmers_is_that_of_the_sequence() -> None:
    text = "AACGTNACC"
    letters = changed(seq_of([list(text), ["A"]], LETTERS), LETTERS, {"name": "reverse_complement", "often": 1.0})
    assert list(map("".join, rows_of(letters, LETTERS))) == [reverse_complement(text), "T"]
    clean = "AACGTACC"
    pairs = seq_of([[clean[i : i + 2] for i in range(7)]], PAIRS)
    other = reverse_complement(clean)
    assert rows_of(changed(pairs, PAIRS, {"name": "reverse_complement", "often": 1.0}), PAIRS) == [
        [other[i : i + 2] for i in range(7)]
    ]


def test_some_rows_are_turned_and_the_same_seed_turns_the_same() -> None:
    seq = seq_of([list("AACG")] * 60, LETTERS)
    first, second, other = (rows_of(changed(seq, LETTERS, {"name": "reverse_complement"}, seed), LETTERS) for seed in (1, 1, 2))
    assert first == second != other
    assert 15 < sum(row == list("CGTT") for row in first) < 45 and {"".join(row) for row in first} == {"AACG", "CGTT"}


def test_a_molecule_is_written_otherwise_and_what_is_none_stays() -> None:
    pytest.importorskip("rdkit")
    seq = seq_of([smiles.tokens(drug) for drug in DRUGS], MOLECULES)
    found = [rows_of(changed(seq, MOLECULES, {"name": "randomised"}, seed), MOLECULES) for seed in range(8)]
    assert all("".join(rows[2]) == DRUGS[2] for rows in found)
    for place in (0, 1):
        written = {"".join(rows[place]) for rows in found}
        assert len(written) > 1 and {smiles.canonical(one) for one in written} == {smiles.canonical(DRUGS[place])}
    some = changed(seq, MOLECULES, {"name": "randomised"}, 3)
    assert (some.values[~some.mask] == 0).all() and torch.equal(
        some.position, torch.arange(some.mask.shape[1]).where(some.mask, 0)
    )


def test_letters_mutate_at_the_rate_asked_into_every_other_one() -> None:
    seq = seq_of([list("ACGTN" * 400)], LETTERS)
    found = changed(seq, LETTERS, {"name": "mutate", "rate": 0.2})
    hit = found.values != seq.values
    assert not hit[seq.values == LETTERS.names.index("N")].any()
    assert abs(hit.float().mean() / 0.8 - 0.2) < 0.05
    for letter in range(1, 5):
        assert set(found.values[hit & (seq.values == letter)].tolist()) == {1, 2, 3, 4} - {letter}


def test_rows_that_share_a_sequence_are_changed_each_by_itself() -> None:
    seq = replace(seq_of([list("AACG"), list("AAAAT")], LETTERS), take=torch.tensor([0, 1, 0, 0, 0, 0, 0, 0]))
    found = changed(seq, LETTERS, {"name": "reverse_complement"})
    assert found.take is None and len(found.values) == 8
    assert {"".join(row) for row in rows_of(found, LETTERS)} >= {"AACG", "CGTT"}


def test_an_answer_is_averaged_over_both_strands() -> None:
    seq = seq_of([list("AACG"), list("A")], LETTERS)
    one, other = views(["reverse_complement"], LETTERS)
    assert one(seq) is seq and list(map("".join, rows_of(other(seq), LETTERS))) == ["CGTT", "T"]
    assert torch.equal(other(other(seq)).values, seq.values)


@pytest.mark.parametrize(
    ("name", "spec", "task", "said"),
    [
        ("reverse_complement", RESIDUES, "", "residues of protein have no other strand"),
        ("reverse_complement", LETTERS, "tagging", "the labels of a task of the kind 'tagging' stand at them"),
        ("randomised", LETTERS, "", "randomised rewrites SMILES, and this input is of dna"),
        ("mutate", PAIRS, "", "mutate changes single letters"),
        ("mutate", MOLECULES, "", "mutate changes single letters"),
        ("rotate", LETTERS, "", "no augmentation of residues is called"),
    ],
)
def test_a_change_that_residues_cannot_have_is_refused(name: str, spec: Spec, task: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        augment.build([name], spec, task=task)


def test_a_side_or_a_picture_that_residues_do_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="residues of protein have no other strand"):
        views(["reverse_complement"], RESIDUES)
    with pytest.raises(ConfigError, match="two strands and no more sides"):
        views(["reverse_complement", "horizontal"], LETTERS)
    with pytest.raises(ConfigError, match="image have no other strand"):
        views(["reverse_complement"], Spec("image", (1, 8, 8), "index", single=True))
    seq = seq_of([["A"]], LETTERS)
    with pytest.raises(DataError, match="masks and boxes are of pictures"):
        augment.build(["mutate"], LETTERS).dense(seq, torch.zeros(1), [])
