"""Runs of letters as integers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError
from sequela.residues import alphabets, kmers
from sequela.residues.alphabets import DNA

TEXTS = st.lists(st.text("ACGTN", max_size=12), min_size=1)


def certain(text: str, k: int) -> list[str]:
    """Its k-mers of certain letters, one by one."""
    runs = [text[place : place + k] for place in range(len(text) - k + 1)]
    return [run for run in runs if set(run) <= set("ACGT")]


@settings(max_examples=40)
@given(TEXTS, st.integers(1, 17))
def test_each_kmer_has_the_number_that_spells_it(texts: list[str], k: int) -> None:
    letters = alphabets.numbered(texts, DNA)
    code = kmers.codes(letters.number, letters.offsets, k, 4)
    spelt = [kmers.spelt(one, k, "ACGT") for one in code[code >= 0].tolist()]
    assert spelt == [run for text in texts for run in certain(text, k)]


@settings(max_examples=40)
@given(TEXTS, st.integers(1, 14))
def test_kmers_are_counted_as_one_by_one(texts: list[str], k: int) -> None:
    letters = alphabets.numbered(texts, DNA)
    names = sorted({run for text in texts for run in certain(text, k)})
    chosen = names[::2]
    coded = alphabets.numbered(chosen, DNA)
    columns = np.sort(kmers.codes(coded.number, coded.offsets, k, 4)[coded.offsets[:-1]])
    found = kmers.counts(letters.number, letters.offsets, k, 4, columns).toarray()
    each = [Counter(certain(text, k)) for text in texts]
    assert found.tolist() == [[one[name] for name in chosen] for one in each]


@settings(max_examples=40)
@given(TEXTS, st.integers(1, 14))
def test_the_distinct_kmers_of_each_sequence_are_its_set(texts: list[str], k: int) -> None:
    held = kmers.sets(texts, k, DNA)
    shared = (held @ held.T).toarray()
    sets = [set(certain(text, k)) for text in texts]
    assert shared.tolist() == [[len(one & other) for other in sets] for one in sets]


def test_a_run_of_sequences_that_is_counted_apart_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["".join(np.random.default_rng(i).choice(list("ACGTN"), 5 * i)) for i in range(9)]
    letters, columns = alphabets.numbered(texts, DNA), np.arange(64)
    whole = kmers.counts(letters.number, letters.offsets, 3, 4, columns)
    parts = list(kmers.parts(letters.offsets, 30))
    assert len(parts) > 3 and [row for part in parts for row in range(part.start, part.stop)] == list(range(9))
    found = [
        kmers.counts(letters.number[slice(*letters.offsets[[p.start, p.stop]])], own - own[0], 3, 4, columns).toarray()
        for p in parts
        for own in [letters.offsets[p.start : p.stop + 1]]
    ]
    np.testing.assert_array_equal(np.concatenate(found), whole.toarray())


def test_signatures_estimate_what_share_of_kmers_two_sequences_have_in_common() -> None:
    random = np.random.default_rng(5)
    first = "".join(random.choice(list("ACGT"), 600))
    texts = [first, first[:300] + "".join(random.choice(list("ACGT"), 300)), "".join(random.choice(list("ACGT"), 600)), "AC"]
    held = kmers.sets(texts, 8, DNA)
    found = kmers.signatures(held, 400)
    sets = [set(certain(text, 8)) for text in texts]
    for other in (1, 2):
        truth = len(sets[0] & sets[other]) / len(sets[0] | sets[other])
        assert abs((found[0] == found[other]).mean() - truth) < 3 * np.sqrt(max(truth, 0.01) / 400)
    assert (found[3] == np.iinfo(np.uint64).max).all()


def test_kmers_that_no_integer_tells_are_refused() -> None:
    with pytest.raises(ConfigError, match="15-mers of 20 letters"):
        kmers.codes(np.zeros(3, np.int8), np.array([0, 3]), 15, 20)
