"""Vectors of words: every word by itself, whatever stands beside it; spellings are looked at once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from sequela.errors import ConfigError
from sequela.nn import words
from sequela.nn.steps import Flat, Projected, refuse_words
from sequela.nn.words import Characters, Spelling, Words, distinct
from sequela.types import Seq, Spec, Wording

VOCABULARY, SHAPES, LETTERS, LONGEST = 12, 5, 9, 6
SPEC = Spec("text", (2 + LONGEST,), "index", vocabulary=VOCABULARY, words=Wording(SHAPES, LETTERS))
SPELLING = Spelling(characters=4, filters=7, kernel=3, shapes=3)


def text(rows: int = 3, steps: int = 5, seed: int = 0) -> Seq:
    """Rows of any length, of words of 1 to LONGEST characters; what lies on padding is drawn as well."""
    random = torch.Generator().manual_seed(seed)

    def drawn(most: int, *shape: int) -> Tensor:
        return torch.randint(most, (rows, steps, *shape), generator=random)

    there = torch.arange(LONGEST) < 1 + drawn(LONGEST, 1)
    letters = (1 + drawn(LETTERS - 1, LONGEST)) * there
    length = torch.randint(steps + 1, (rows, 1), generator=random)
    values = torch.cat([drawn(VOCABULARY, 1), drawn(SHAPES, 1), letters], 2)
    return Seq(values, torch.arange(steps) < length, torch.zeros(rows, steps, dtype=torch.float64))


def made(**options: float) -> Words:
    torch.manual_seed(0)
    return Words(SPEC, 5, Spelling(characters=4, filters=7, kernel=3, shapes=3, **options)).double()


def plain(of: Characters, letters: Tensor, kernel: int) -> Tensor:
    """The convolution of one word, written out: each filter at each place, the largest of them."""
    vectors = of.vectors(letters[letters > 0])
    around = functional.pad(vectors.t(), ((kernel - 1) // 2, kernel // 2)).t()
    windows = [around[place : place + kernel] for place in range(len(vectors))]
    answers = [torch.einsum("fck,kc->f", of.filters.weight, window) + of.filters.bias for window in windows]
    return torch.stack(answers).amax(0)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_a_spelling_is_the_largest_answer_of_each_filter_over_its_characters(kernel: int) -> None:
    torch.manual_seed(0)
    of = Characters(LETTERS, Spelling(characters=4, filters=7, kernel=kernel)).double()
    spelled = text(4, 6).values.flatten(0, 1)[:, words.LEADING :]
    expected = torch.stack([plain(of, one, kernel) for one in spelled])
    torch.testing.assert_close(of(spelled), expected)


def test_a_word_without_characters_says_nothing_by_them() -> None:
    of = Characters(LETTERS, SPELLING)
    found = of(torch.tensor([[0, 0, 0], [3, 0, 0]]))
    assert (found[0] == 0).all() and (found[1] != 0).any()
    assert of(torch.zeros(0, 3, dtype=torch.int64)).shape == (0, 7)


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_a_word_has_the_same_vector_wherever_it_stands_and_padding_has_none(rows: int, steps: int, seed: int) -> None:
    module, seq = made().eval(), text(rows, steps, seed)
    found = module(seq)
    assert found.shape == (rows, steps, 5 + 3 + 7) and module.width == 15
    assert (found[~seq.mask] == 0).all()
    for row, step in seq.mask.nonzero().tolist():
        word = seq.values[row, step][None, None]
        alone = module(Seq(word, torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 1)))[0, 0]
        torch.testing.assert_close(found[row, step], alone)


@given(st.integers(1, 30), st.integers(1, 4), st.integers(1, 3), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_distinct_rows_are_those_that_sorting_finds(count: int, width: int, most: int, seed: int) -> None:
    rows = torch.randint(most, (count, width), generator=torch.Generator().manual_seed(seed))
    found, place = distinct(rows)
    assert torch.equal(found[place], rows)
    assert torch.equal(torch.unique(found, dim=0), torch.unique(rows, dim=0)) and len(found) == len(torch.unique(rows, dim=0))


def test_rows_that_share_a_number_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "randint", lambda *_, **__: torch.zeros(2, dtype=torch.int64))  # every factor becomes 1
    rows = torch.tensor([[1, 2], [2, 1], [1, 2], [0, 3]])
    found, place = distinct(rows)
    assert len(found) == 3 and torch.equal(found[place], rows)


def test_gradients_of_equal_spellings_add_up() -> None:
    of = Characters(LETTERS, SPELLING).double()
    one = torch.tensor([[3, 4, 0]])
    of(one.expand(5, -1)).sum().backward()
    five = of.filters.weight.grad.clone()
    of.zero_grad()
    of(one).sum().backward()
    torch.testing.assert_close(five, 5 * of.filters.weight.grad)


def test_words_are_read_as_unknown_while_training_alone() -> None:
    module, seq = made(word_dropout=0.999999), text()
    number, told = seq.values.clone(), module.eval()(seq)
    number[..., 0] = 0
    unknown = module(Seq(number, seq.mask, seq.position))
    assert not torch.allclose(told, unknown)
    torch.testing.assert_close(module.train()(seq), unknown)


def test_known_vectors_are_begun_with_and_the_others_keep_theirs() -> None:
    module = made()
    before, known = module.words.weight.detach().clone(), torch.arange(VOCABULARY) % 3 == 1
    vectors = torch.randn(VOCABULARY, 5)
    module.begin(vectors, known)
    torch.testing.assert_close(module.words.weight[known], vectors[known].double())
    torch.testing.assert_close(module.words.weight[~known], before[~known])
    with pytest.raises(ConfigError, match=r"shape \(12, 4\).*\(12, 5\)"):
        module.begin(vectors[:, :4], known)


def test_steps_are_read_by_the_words_they_are() -> None:
    seq = text()
    flat, projected = Flat(SPEC, 5, spelling=SPELLING), Projected(SPEC, 6)
    assert flat.width == 15 and flat(seq).shape == (3, 5, 15)
    assert projected(seq).shape == (3, 5, 6) and (projected(seq)[~seq.mask] == 0).all()
    with pytest.raises(ConfigError, match="retain reads codes by their number"):
        refuse_words(SPEC, "retain")
    with pytest.raises(ConfigError, match="no word with a shape"):
        Words(Spec("codes", (), "days", vocabulary=5), 4, SPELLING)
