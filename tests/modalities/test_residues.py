"""DNA, RNA, proteins and molecules as steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela import config, registry
from sequela import model as models
from sequela.batch import collate
from sequela.errors import ConfigError, DataError
from sequela.modalities import residues
from sequela.modalities._synthetic import Held, events
from sequela.modalities.residues import Residues
from sequela.prep.vocabulary import UNKNOWN
from sequela.residues.alphabets import BEGIN, DNA, END
from sequela.types import Known, Ragged


def known(texts: list[str | None], name: str = "dna") -> Known:
    """A row for each text; one of None knows nothing."""
    row = [number for number, text in enumerate(texts) if text is not None]
    said = [text for text in texts if text is not None]
    code = f"SEQUENCE//{name}"
    frame = events({"row": row, "position": [float("nan")] * len(row), "code": [code] * len(row), "text_value": said})
    return Known(len(texts), frame, Held({}), {code: "sequence"})


def made(**options: Any) -> Residues:
    return residues.build(config.convert({"sequence": "dna"} | options, residues.Config))


def read(texts: list[str | None], **options: Any) -> tuple[Ragged, list[list[str]]]:
    """What is read, and the tokens of each row's steps."""
    modality, rows = made(**options), known(texts, options.get("sequence", "dna"))
    state = modality.fit(rows)
    found = modality.read(rows, state)
    number = found.values if found.take is None else found.values[found.take]
    return found, [[state.tokens[one] for one in number[slice(*found.offsets[i : i + 2])].tolist()] for i in range(len(found))]


def written(found: Ragged, row: int) -> list[str]:
    """The letters at the places of a row's steps."""
    assert found.places is not None
    text, own = found.places.texts[row], slice(*found.offsets[row : row + 2])
    return [text[begin:end] for begin, end in zip(found.places.begin[own], found.places.end[own], strict=True)]


LETTERS = st.lists(st.none() | st.text("ACGTacgtN-", max_size=15), min_size=1).map(lambda texts: ["ACGTAC", "ACGTAC", *texts])


@settings(max_examples=15, deadline=None)
@given(LETTERS, st.integers(0, 8), st.sampled_from(["begin", "end", "ends"]))
def test_places_are_exactly_the_letters_of_each_step(texts: list[str | None], most: int, keep: str) -> None:
    found, tokens = read(texts, max_steps=most, keep=keep)
    for row, text in enumerate(texts):
        assert [one.upper() for one in written(found, row)] == tokens[row]
        assert len(tokens[row]) == min(len(text or ""), most or 99)


@settings(max_examples=15, deadline=None)
@given(LETTERS, st.integers(2, 6), st.integers(1, 4))
def test_kmers_stand_at_every_stride_and_those_with_an_uncertain_letter_are_unknown(
    texts: list[str | None], k: int, stride: int
) -> None:
    found, tokens = read(texts, form="kmers", k=k, stride=stride)
    for row, text in enumerate(texts):
        runs = [(text or "")[place : place + k] for place in range(0, len(text or "") - k + 1, stride)]
        assert written(found, row) == runs
        assert tokens[row] == [run.upper() if set(run.upper()) <= set("ACGT") else UNKNOWN for run in runs]


def test_steps_of_the_ends_leave_the_middle_out() -> None:
    found, tokens = read(["AACCGGTT"], max_steps=5, keep="ends")
    assert tokens == [["A", "A", "C", "T", "T"]]
    assert found.places is not None and found.places.begin.tolist() == [0, 1, 2, 6, 7]
    assert found.position.tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["CC(=O)Oc1ccccc1", "C[nH+]CCl", "BrC#N", "F/C=C\\F"]), min_size=2))
def test_tokens_join_to_the_smiles_that_they_are_of(texts: list[str]) -> None:
    found, tokens = read([*texts, *texts], sequence="smiles")
    for row, text in enumerate([*texts, *texts]):
        assert "".join(tokens[row]) == "".join(written(found, row)) == text


def test_the_vocabulary_of_letters_and_short_kmers_is_that_of_the_alphabet_whatever_was_seen() -> None:
    one, other = (made().fit(known(texts)) for texts in (["AAA", "AAC"], ["GT", "N"]))
    assert one.tokens == other.tokens == [UNKNOWN, *DNA.legal]
    assert len(made(form="kmers", k=4).fit(known(["AAAA"])).tokens) == 1 + 4**4


def test_a_long_kmer_or_token_that_one_subject_alone_has_is_unknown() -> None:
    long = made(form="kmers", k=7).fit(known(["AAAAAAAC", "AAAAAAAG", "CCCCCCC"]))
    assert long.tokens == [UNKNOWN, "AAAAAAA"]
    drugs = made(sequence="smiles").fit(known(["CCN", "CC[Si]", "NC"], "smiles"))
    assert drugs.tokens == [UNKNOWN, "C", "N"]


def test_a_sequence_of_many_rows_is_held_once() -> None:
    found, _ = read(["ACGT", "GG", "ACGT", None, "ACGT"])
    assert found.values.tolist() == [1, 2, 3, 4, 3, 3]
    assert found.same is not None and found.same.tolist() == [0, 1, 0, -1, 0]
    assert found.take is not None and found.take.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 0, 1, 2, 3]


def test_letters_in_lower_case_are_letters_or_unknown() -> None:
    assert read(["ACgt"])[1] == [["A", "C", "G", "T"]]
    assert read(["ACgt"], masked="unknown")[1] == [["A", "C", UNKNOWN, UNKNOWN]]


def test_a_row_with_an_illegal_letter_is_refused_with_its_place_and_learnt_from_by_nobody() -> None:
    modality, rows = made(), known(["ACGT", "ACUU", "", None])
    state = modality.fit(rows)
    assert modality.refused(rows, state) == [
        "",
        "in its sequence, 2 of 4 letters are no letter of dna ('U'), the first at 2",
        "",
        "",
    ]
    assert state == modality.fit(known(["ACGT"]))
    lenient = made(illegal="unknown")
    assert lenient.refused(rows, lenient.fit(rows)) == [""] * 4
    assert read(["ACGT", "AU"], illegal="unknown")[1][1] == ["A", UNKNOWN]


def test_a_protein_of_a_hundred_thousand_residues_is_refused_or_cut() -> None:
    rows = known(["ACGT", "ACGT" * 25_000])
    modality = made()
    reason = modality.refused(rows, modality.fit(rows))
    assert reason == ["", "its sequence has 100,000 steps, and 50,000 are read at once: max_steps says how many of them are"]
    short = made(max_steps=1000, keep="ends")
    state = short.fit(rows)
    assert short.refused(rows, state) == ["", ""] and short.shortened(state) == 1
    assert short.read(rows, state).lengths.tolist() == [4, 1000]


def test_an_empty_sequence_has_no_steps() -> None:
    assert read(["", "A", None])[0].lengths.tolist() == [0, 1, 0]


def test_plain_columns_are_composition_and_counts_of_runs() -> None:
    modality, rows = made(ngrams=2), known(["AACG", "AACG", "", "AN"])
    found = modality.plain(rows, modality.fit(rows))
    told = dict(
        zip(found.columns, np.concatenate([found.values[0], *(b.values.toarray()[0] for b in found.counts)]), strict=True)
    )
    assert told == pytest.approx(
        {"letters.count": 4, "uncertain.share": 0, "gc.share": 0.5}
        | {"A.share": 0.5, "C.share": 0.25, "G.share": 0.25, "T.share": 0}
        | {"letters.A": 2, "letters.C": 1, "letters.G": 1}
        | {"runs of 2 letters.AA": 1, "runs of 2 letters.AC": 1, "runs of 2 letters.CG": 1}
    )
    assert found.values[3, found.names.index("uncertain.share")] == pytest.approx(0.5)


def test_a_step_is_told_with_what_stands_around_it() -> None:
    modality, rows = made(window=1), known(["ACG", "T"])
    found = modality.plain_steps(rows, modality.fit(rows))
    assert found.values.tolist() == [[0, 2, 3], [1, 1, 3], [2, 0, 3], [0, 0, 1]]
    (window,) = found.counts
    names = [[window.names[column] for column in np.flatnonzero(line)] for line in window.values.toarray()]
    assert names == [
        ["window.-1.outside", "window.+0.A", "window.+1.C"],
        ["window.-1.A", "window.+0.C", "window.+1.G"],
        ["window.-1.C", "window.+0.G", "window.+1.outside"],
        ["window.-1.outside", "window.+0.T", "window.+1.outside"],
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sequence": "drug"}, "not said of which alphabet sequences called 'drug' are"),
        ({"sequence": ""}, "not said of which alphabet the sequences are"),
        ({"k": 4}, 'k is of form = "kmers" alone'),
        ({"stride": 2}, 'stride is of form = "kmers" alone'),
        ({"form": "tokens"}, "tokens are of SMILES"),
        ({"sequence": "smiles", "form": "kmers"}, "a SMILES has no kmers"),
        ({"sequence": "smiles", "masked": "unknown"}, "lower case is an aromatic atom"),
        ({"sequence": "protein", "form": "kmers", "k": 20}, "20-mers of 20 letters"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(**options)


def test_data_of_several_sequences_or_of_none_that_can_be_read_is_refused() -> None:
    with pytest.raises(DataError, match="no training row has a sequence of dna that can be read, of 2: in its sequence, 1 of 1"):
        made().fit(known(["!", None]))
    with pytest.raises(ConfigError, match="2 kinds of sequences"):
        two = Known(1, events({}), Held({}), {"SEQUENCE//dna": "sequence", "SEQUENCE//protein": "sequence"})
        made(sequence="", alphabet="dna").fit(two)
    assert made(sequence="", alphabet="dna").fit(known(["AC"], "promoter")).code == "SEQUENCE//promoter"


@pytest.mark.parametrize(
    "name",
    [
        "lstm",
        "gru",
        "rnn",
        "bilstm",
        "mingru",
        "tcn",
        "transformer",
        "cnn_text",
        "caml",
        "retain",
        "mlp",
        "residue_cnn_rnn",
    ],
)
@torch.no_grad()
def test_encoders_of_sequences_read_residues(name: str) -> None:
    modality, rows = made(), known(["ACGTACGT", "AC", None])
    state = modality.fit(rows)
    batch = models.tensors(collate({"dna": modality.read(rows, state)}, np.arange(3)), "cpu")
    module = registry.module("encoders", name)
    encoded = module.build(modality.spec(state), module.Config()).eval()(batch.inputs["dna"])
    assert encoded.pooled.shape[0] == 3 and encoded.pooled.isfinite().all()
    assert not torch.allclose(encoded.pooled[0], encoded.pooled[1])


@settings(max_examples=15, deadline=None)
@given(LETTERS)
def test_marks_stand_around_each_sequence_and_have_no_letter(texts: list[str | None]) -> None:
    found, tokens = read(texts, marks=True)
    _, bare = read(texts)
    for row, text in enumerate(texts):
        assert tokens[row] == ([BEGIN, *bare[row], END] if text else [])
        assert written(found, row)[:1] == written(found, row)[-1:] == ([""] if text else [])
        assert "".join(written(found, row)) == (text or "")


def test_marks_change_no_plain_column() -> None:
    rows = known(["CC(=O)N", "CCN", "CCN"], "smiles")
    for options in ({}, {"marks": True}):
        modality = made(sequence="smiles", **options)
        plain = modality.plain(rows, modality.fit(rows))
        assert not any(BEGIN in name or END in name for name in plain.columns)
        np.testing.assert_allclose(plain.values[0, 0], 7)


def test_kmers_have_no_marks() -> None:
    with pytest.raises(ConfigError, match="k-mers overlap"):
        made(form="kmers", marks=True)
