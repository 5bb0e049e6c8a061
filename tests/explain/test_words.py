"""Explanations of words: each is a sum, padding is no part of it, and all find the words that alone decide."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela import config, registry
from sequela.contracts import Encoder
from sequela.errors import UsageError
from sequela.explain.question import Asked, Telling, log_odds
from sequela.explain.tokens import attention, gradients, lime
from sequela.explain.tokens.dimming import dimmed, light
from sequela.explain.tokens.phrases import Phrase, phrases
from sequela.nn import head as heads
from sequela.nn.label_attention import LabelAttention
from sequela.nn.steps import Codes
from sequela.types import Encoded, Seq, Spec

WORDS, CLASSES = 12, 3
SPEC = Spec("text", (), "index", vocabulary=WORDS)
SENTENCES = Spec("text", (4,), "index", vocabulary=WORDS)
READERS = ("lstm", "gru", "transformer", "tcn", "cnn_text", "caml")
CASES = [(name, sentences) for name in READERS for sentences in (False, True)] + [("han", True)]


class Judge(nn.Module):
    """An encoder and a head, as a Model has them."""

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        out: Tensor = self.head(self.encoder(inputs["note"]))
        return out


class Bag(nn.Module):
    """Logits that are the sum of the vectors of the words: what each adds is known."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.codes = Codes(spec, CLASSES)

    def forward(self, seq: Seq) -> Encoded:
        steps = self.codes(seq)
        return Encoded(steps, seq.mask, steps.sum(1))


class Pooled(nn.Module):
    def forward(self, encoded: Encoded) -> Tensor:
        assert encoded.pooled is not None
        return encoded.pooled


def notes(sentences: bool = False) -> Seq:
    """Three texts of 7, 3 and 1 steps."""
    random = torch.Generator().manual_seed(0)
    length = torch.tensor([7, 3, 1])
    mask = torch.arange(7) < length[:, None]
    shape = (3, 7, 4) if sentences else (3, 7)
    values = torch.randint(0, WORDS, shape, generator=random)
    seen = (torch.rand(shape, generator=random) < 0.7) & mask.unsqueeze(2) if sentences else None
    return Seq(values, mask, torch.arange(7, dtype=torch.float64).expand(3, 7), seen)


def built(name: str, spec: Spec = SPEC) -> Encoder:
    torch.manual_seed(0)
    module = registry.module("encoders", name)
    made: Encoder = module.build(spec, config.convert({}, module.Config))
    return made


def of_classes(column: Tensor) -> Telling:
    return lambda out: log_odds(out, column, exclusive=True)


def as_it_is(out: Tensor) -> Tensor:
    return out


ALL = torch.arange(CLASSES).expand(3, CLASSES)


@pytest.mark.parametrize(("name", "sentences"), CASES)
def test_the_gradients_of_words_sum_to_the_difference_of_the_log_odds_and_padding_has_none(name: str, sentences: bool) -> None:
    spec, seq = (SENTENCES, notes(True)) if sentences else (SPEC, notes())
    encoder = built(name, spec)
    assert isinstance(encoder, nn.Module)
    network = Judge(encoder, heads.Head(encoder.width, CLASSES, heads.Config()))
    found = gradients.attributed(Asked(network, "note", {"note": seq}), encoder, spec, of_classes(ALL))
    assert (np.abs(found.missing) <= gradients.TOLERANCE * np.maximum(1, np.abs(found.told - found.rest))).all()
    there = seq.mask.numpy() if not sentences else seq.seen.numpy() & seq.mask.numpy()[..., None]
    assert not found.change[np.broadcast_to(~there[:, None], found.change.shape)].any()
    assert (found.change[0] != 0).any()


@pytest.mark.parametrize("sentences", [False, True])
def test_the_gradients_of_a_sum_are_its_terms(sentences: bool) -> None:
    spec, seq = (SENTENCES, notes(True)) if sentences else (SPEC, notes())
    bag = Bag(spec)
    found = gradients.attributed(Asked(Judge(bag, Pooled()), "note", {"note": seq}), bag, spec, as_it_is)
    there = seq.mask if seq.seen is None else seq.seen & seq.mask.unsqueeze(2)
    expected = bag.codes.weight[seq.values] * there.unsqueeze(-1)
    np.testing.assert_allclose(found.change, expected.detach().movedim(-1, 1).numpy(), atol=1e-5)
    assert not found.rest.any() and found.points == gradients.PIECES * gradients.POINTS


def test_the_path_is_followed_in_more_points_where_few_miss_something() -> None:
    class Steep(nn.Module):
        def forward(self, encoded: Encoded) -> Tensor:
            assert encoded.pooled is not None
            return torch.tanh(60 * (encoded.pooled - 0.7))

    bag, seq = Bag(SPEC), notes()
    asked = Asked(Judge(bag, Steep()), "note", {"note": seq})
    few, many = (gradients.attributed(asked, bag, SPEC, as_it_is, most=most) for most in (16, 256))
    assert few.points == 16 and many.points > 16
    assert np.abs(few.missing).max() > 0.2 and np.abs(many.missing).max() < 0.03


def test_an_encoder_that_makes_its_vectors_by_itself_is_to_be_explained_by_lime() -> None:
    with pytest.raises(UsageError, match="lime"), dimmed(nn.Embedding(3, 2), light(notes(), SPEC, 1.0)):
        pass


def test_dimming_leaves_nothing_behind() -> None:
    bag, seq = Bag(SPEC), notes()
    before = bag(seq).pooled
    with dimmed(bag, light(seq, SPEC, 0.0)):
        assert not bag(seq).pooled.any()
    assert torch.equal(bag(seq).pooled, before)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("hidden", [0, 5])
def test_terms_of_label_attention_sum_to_the_log_odds(exclusive: bool, hidden: int) -> None:
    torch.manual_seed(1)
    head = LabelAttention(6, CLASSES, heads.Config(hidden=hidden)).eval()
    head.begin_at(torch.tensor([0.5, -1.0, 2.0]))
    seq = notes()
    encoded = Encoded(torch.randn(3, 7, 6), seq.mask, None)
    found = attention.exact(head, encoded, ALL, exclusive=exclusive)
    np.testing.assert_allclose(found.missing, 0, atol=1e-9)
    expected = log_odds(head(encoded), ALL, exclusive=exclusive).detach()
    np.testing.assert_allclose(found.told, expected.numpy(), atol=1e-5)
    assert not found.change[np.broadcast_to(~seq.mask.numpy()[:, None], found.change.shape)].any()
    if not exclusive:
        np.testing.assert_allclose(found.rest, head.bias.detach().numpy()[None].repeat(3, 0), atol=1e-6)


def test_log_odds_of_logits_are_those_of_the_probability() -> None:
    out = torch.tensor([[0.3, -2.0, 1.1], [30.0, -40.0, 0.0]], dtype=torch.float64)
    column = torch.tensor([[0, 2], [1, 2]])
    chance = out.softmax(1).gather(1, column)
    np.testing.assert_allclose(log_odds(out, column, exclusive=True), (chance / (1 - chance)).log(), atol=1e-9)
    alone = out.sigmoid().gather(1, column)
    np.testing.assert_allclose(log_odds(out[:1], column[:1], exclusive=False), (alone / (1 - alone)).log()[:1], atol=1e-9)


def test_lime_finds_the_terms_of_a_sum() -> None:
    term = np.array([[2.0, 0, -1, 0, 0.5, 0, 0, 0], [0, 0, 0, 3, 0, 0, 0, -3.0]])
    found = lime.fitted(lambda kept: kept @ term.T - 1.0, 8, 400, seed=0)
    np.testing.assert_allclose(found.change, term, atol=0.15)  # a ridge draws all towards 0
    np.testing.assert_allclose(found.told, term.sum(1) - 1)
    assert (found.fit > 0.99).all()


def test_lime_asks_about_the_same_texts_for_the_same_seed_and_always_about_the_whole() -> None:
    first, again, other = (lime.drawn(20, 50, seed) for seed in (3, 3, 4))
    assert (first == again).all() and (first != other).any()
    assert first[0].all() and not first[1:].all(1).any()
    assert {0, 19} <= set(lime.drawn(20, 2000, 0).sum(1).tolist())


def test_neighbours_of_like_sign_are_one_phrase_and_no_phrase_crosses_a_line() -> None:
    text = "no fever, but a dry\ncough today"
    begin = np.array([0, 3, 8, 10, 14, 16, 20, 26])
    end = np.array([2, 8, 9, 13, 15, 19, 25, 31])
    change = np.array([-1.0, -0.5, 0.01, 0.4, -0.4, 0.9, 1.5, 0.02])
    found = phrases(begin, end, change, text)
    assert found == [
        Phrase(0, 8, -1.5),
        Phrase(10, 13, 0.4),
        Phrase(14, 15, -0.4),
        Phrase(16, 19, 0.9),
        Phrase(20, 25, 1.5),
    ]
    assert phrases(begin[:0], end[:0], change[:0], "") == []
    assert phrases(begin, end, np.zeros(8), text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dry cough. No fever", ["dry cough.", "No fever"]),
        ("a cough!\tNo fever?  Well.", ["a cough!", "No fever?", "Well."]),
        ("of 38.5 degrees", ["of 38.5 degrees"]),
        ("咳嗽。无发热！好", ["咳嗽。", "无发热！", "好"]),
        ("咳嗽，无发热", ["咳嗽，无发热"]),
    ],
)
def test_no_phrase_crosses_the_end_of_a_sentence(text: str, expected: list[str]) -> None:
    by_itself, at_its_word = r"[a-zA-Z\d]+|[^\w\s]|[\u4e00-\u9fff]", r"[a-zA-Z.\d!?]+|[\u4e00-\u9fff]+\W?"  # the stop
    for pattern in (by_itself, at_its_word):
        found = list(re.finditer(pattern, text))
        begin, end = np.array([one.start() for one in found]), np.array([one.end() for one in found])
        assert [text[one.begin : one.end] for one in phrases(begin, end, np.ones(len(found)), text)] == expected
