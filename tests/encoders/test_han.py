"""Hierarchical attention held against a loop over sentences and words, with sentences that are empty or have holes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sequela.encoders import han
from sequela.errors import ConfigError
from sequela.types import Seq, Spec, Wording

DOCUMENTS = Spec("text", (20,), "index", vocabulary=30)
LENGTHS = [[20, 3, 9], [1], [], [0, 7], [12, 16, 0, 2]]


def documents(lengths: list[list[int]] = LENGTHS, seed: int = 0) -> Seq:
    """Sentences of so many words; whatever lies beyond them is drawn as well."""
    random = torch.Generator().manual_seed(seed)
    longest = max(map(len, lengths))
    values = torch.randint(30, (len(lengths), longest, 20), generator=random)
    count = torch.tensor([row + [0] * (longest - len(row)) for row in lengths])
    mask = torch.arange(longest) < torch.tensor([len(row) for row in lengths])[:, None]
    return Seq(values, mask, torch.zeros(mask.shape, dtype=torch.float64), torch.arange(20) < count.unsqueeze(2))


def made(spec: Spec = DOCUMENTS) -> han.HAN:
    torch.manual_seed(5)
    return han.build(spec, han.Config(width=4, embedding=6)).eval()


def attended(attention: torch.nn.Module, states: Tensor) -> Tensor:
    weights = attention.query(torch.tanh(attention.key(states))).softmax(0)
    return (weights * states).sum(0)


def read(stack: torch.nn.Module, vectors: Tensor) -> Tensor:
    """Both directions of one row."""
    ahead, back = stack.ahead[0].layer, stack.back[0].layer
    return torch.cat([ahead(vectors[None])[0][0], back(vectors.flip(0)[None])[0][0].flip(0)], 1)


@torch.no_grad()
def test_it_is_a_loop_over_the_sentences_and_their_words() -> None:
    net, seq = made(), documents()
    out = net(seq)
    for row, lengths in enumerate(LENGTHS):
        sentences = torch.zeros(len(lengths), 8)
        for i, length in enumerate(lengths):
            if length:
                states = read(net.words.states, net.words.embedding(seq.values[row, i, :length]))
                sentences[i] = attended(net.words.attention, states)
        if lengths:
            steps = read(net.states, sentences)
            torch.testing.assert_close(out.steps[row, : len(lengths)], steps)
            torch.testing.assert_close(out.pooled[row], attended(net.attention, steps))
        else:
            assert not out.pooled[row].any()


@torch.no_grad()
def test_word_weights_sum_to_one_in_each_sentence_and_shares_in_each_document() -> None:
    net, seq = made(), documents()
    weights = net.weights(seq)
    assert weights.words.shape == seq.values.shape
    assert not weights.words[~seq.seen].any()
    torch.testing.assert_close(weights.words.sum(2), (seq.seen.any(2) & seq.mask).float())
    torch.testing.assert_close(weights.sentences.sum(1), seq.mask.any(1).float())
    full = [row for row, lengths in enumerate(LENGTHS) if lengths and all(lengths)]
    torch.testing.assert_close(weights.shares.sum((1, 2))[full], torch.ones(len(full)))


@torch.no_grad()
def test_words_that_are_not_seen_are_as_if_the_sentence_lacked_them() -> None:
    net, seq = made(), documents([[6]])
    holes = seq.seen.clone()
    holes[0, 0, [1, 4]] = False
    kept = seq.values.clone()
    kept[0, 0, :4] = seq.values[0, 0, [0, 2, 3, 5]]
    torch.testing.assert_close(
        net(Seq(seq.values, seq.mask, seq.position, holes)).pooled,
        net(Seq(kept, seq.mask, seq.position, torch.arange(20) < torch.tensor([[[4]]]))).pooled,
    )
    weights = net.weights(Seq(seq.values, seq.mask, seq.position, holes)).words[0, 0]
    assert weights[:6].bool().tolist() == [True, False, True, True, False, True]


@torch.no_grad()
def test_an_empty_sentence_has_no_word_and_no_vector_but_its_place() -> None:
    net = made()
    seq = documents([[5, 0, 5], [5, 5, 0]])
    seq.values[1, 0], seq.values[1, 1] = seq.values[0, 0].clone(), seq.values[0, 2].clone()
    vectors, _ = net.words(seq)
    assert not vectors[0, 1].any()
    torch.testing.assert_close(vectors[0, [0, 2, 1]], vectors[1])
    assert not torch.allclose(net(seq).pooled[0], net(seq).pooled[1], atol=1e-4)


def test_documents_without_any_word_learn_nothing_that_is_not_a_number() -> None:
    net = made().train()
    net(documents([[0, 0], []])).pooled.square().sum().backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in net.parameters())


@pytest.mark.parametrize(
    "spec", [Spec("text", (), "index", vocabulary=9), Spec("text", (9,), "index", vocabulary=9, words=Wording(4, 8))]
)
def test_han_refuses_single_words_with_the_form_to_ask_for(spec: Spec) -> None:
    with pytest.raises(ConfigError, match='form = "sentences"'):
        han.build(spec, han.Config())
