"""Language models read in windows: what is put around a text, what several windows say, and what stays as it is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sequela import config, registry
from sequela.encoders import _language, _tokens
from sequela.encoders._language import Language, Reading
from sequela.errors import ConfigError
from sequela.types import Seq, Spec, Wording

NAMES = ("[PAD]", "[CLS]", "[SEP]", *(f"w{k}" for k in range(17)))
SUBWORDS = Spec("text", (), "index", NAMES, vocabulary=20)
READ = Reading("hf:small", "mean", 0.0, frozen=False, window=8, overlap=3)


class Small(nn.Module):
    """Each state is the subword's vector and the mean of those that may be seen; what it is asked is kept."""

    def __init__(self, **told: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(**{"max_position_embeddings": 12, "vocab_size": 20, "pad_token_id": 0, **told})
        self.vectors = nn.Embedding(20, 4)
        self.dropout = nn.Dropout(0.5)
        self.asked: list[tuple[list[int], list[int]]] = []

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        self.asked = [(row.tolist(), mask.tolist()) for row, mask in zip(input_ids, attention_mask, strict=True)]
        vectors, share = self.vectors(input_ids), attention_mask / attention_mask.sum(1, keepdim=True)
        return SimpleNamespace(last_hidden_state=self.dropout(vectors + share.unsqueeze(1) @ vectors))


def made(spec: Spec = SUBWORDS, network: nn.Module | None = None, **how: Any) -> Language:
    torch.manual_seed(0)
    return _language.build(network or Small(), spec, replace(READ, **how), _tokens.own(spec)).eval()


def texts(*rows: list[int]) -> Seq:
    """Rows of subwords; what lies on padding is the last one."""
    longest = max(1, *map(len, rows))
    mask = torch.arange(longest) < torch.tensor([len(row) for row in rows])[:, None]
    values = torch.tensor([row + [19] * (longest - len(row)) for row in rows])
    return Seq(values, mask, torch.zeros(values.shape, dtype=torch.float64))


LONG = [3 + k % 16 for k in range(19)]


@torch.no_grad()
def test_each_text_stands_between_its_marks_and_padding_behind_them_is_not_seen() -> None:
    net = made()
    net(texts([5, 6, 7], [8], []))
    assert net.network.asked == [
        ([1, 5, 6, 7, 2], [1, 1, 1, 1, 1]),
        ([1, 8, 2, 0, 0], [1, 1, 1, 0, 0]),
        ([1, 2, 0, 0, 0], [1, 1, 0, 0, 0]),
    ]


@torch.no_grad()
def test_a_long_text_is_read_in_windows_that_overlap_and_a_short_one_beside_it_once() -> None:
    net = made()
    net(texts(LONG, [5, 6]))
    read = [[number for number, there in zip(*row, strict=True) if there] for row in net.network.asked]
    assert read == [[1, *LONG[k : k + 8], 2] for k in (0, 5, 10, 15)] + [[1, 5, 6, 2]]


@pytest.mark.parametrize("length", [7, 8, 9, 13, 14])
@torch.no_grad()
def test_no_window_is_read_for_nothing(length: int) -> None:
    net = made()
    net(texts(LONG[:length]))
    assert len(net.network.asked) == {7: 1, 8: 1, 9: 2, 13: 2, 14: 3}[length]


@torch.no_grad()
def test_what_stands_in_two_windows_is_the_mean_of_both() -> None:
    net = made()
    steps = net(texts(LONG[:13])).steps[0]
    first, second = (net.network(torch.tensor([[1, *LONG[k : k + 8], 2]]), torch.ones(1, 10).long()) for k in (0, 5))
    first, second = first.last_hidden_state[0, 1:-1], second.last_hidden_state[0, 1:-1]
    torch.testing.assert_close(steps, torch.cat([first[:5], (first[5:] + second[:3]) / 2, second[3:]]))


@pytest.mark.parametrize("pool", ["mean", "first", "attention"])
@torch.no_grad()
def test_neighbours_of_any_length_change_nothing(pool: str) -> None:
    net = made(pool=pool)
    together = net(texts([5, 6, 7], LONG, [], [9] * 8))
    for row, alone in enumerate(([5, 6, 7], LONG, [], [9] * 8)):
        out = net(texts(alone))
        torch.testing.assert_close(out.pooled[0], together.pooled[row])
        torch.testing.assert_close(out.steps[0, : len(alone)], together.steps[row, : len(alone)])
    assert not together.pooled[2].any()


@torch.no_grad()
def test_what_is_pooled_first_is_the_mean_of_the_first_marks() -> None:
    net = made(pool="first")
    pooled = net(texts(LONG[:13])).pooled[0]
    first, second = (net.network(torch.tensor([[1, *LONG[k : k + 8], 2]]), torch.ones(1, 10).long()) for k in (0, 5))
    torch.testing.assert_close(pooled, (first.last_hidden_state[0, 0] + second.last_hidden_state[0, 0]) / 2)


@torch.no_grad()
def test_a_vocabulary_without_marks_has_none_put_around_its_texts() -> None:
    net = made(replace(SUBWORDS, names=tuple(f"w{k}" for k in range(20))))
    out = net(texts([5, 6, 7], []))
    assert net.network.asked == [([5, 6, 7], [1, 1, 1]), ([0, 0, 0], [1, 0, 0])]
    assert out.steps.shape == (2, 3, 4)
    assert out.pooled.isfinite().all()


def test_a_frozen_network_neither_learns_nor_drops_while_training() -> None:
    net = made(frozen=True, pool="attention").train()
    assert not net.network.training
    out = net(texts([5, 6, 7]))
    torch.testing.assert_close(out.steps, net(texts([5, 6, 7])).steps)
    out.pooled.sum().backward()
    assert net.network.vectors.weight.grad is None
    assert net.pool.attention.key.weight.grad is not None


def test_a_network_that_is_tuned_learns_and_drops() -> None:
    net = made().train()
    out = net(texts([5, 6, 7]))
    assert not torch.equal(out.steps, net(texts([5, 6, 7])).steps)
    out.pooled.sum().backward()
    assert net.network.vectors.weight.grad[5].any()


def test_places_are_those_that_the_network_has() -> None:
    assert made(window=0).window == 10
    roberta = Small()
    roberta.add_module("position_embeddings", nn.Embedding(12, 4, padding_idx=1))
    assert made(network=roberta, window=0).window == 8
    with pytest.raises(ConfigError, match="reads 10 steps at once; window = 11 is more"):
        made(window=11)
    with pytest.raises(ConfigError, match="windows of 8 steps cannot overlap by 8"):
        made(overlap=8)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (replace(SUBWORDS, vocabulary=21), "has 20 subwords, and the input 21"),
        (replace(SUBWORDS, side=2), "a number each step"),
        (replace(SUBWORDS, shape=(4,), words=Wording(2, 3)), "a number each step"),
    ],
)
def test_other_inputs_are_refused_with_the_form_to_ask_for(spec: Spec, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        made(spec)
    assert 'form = "subwords"' in refused.value.hint


def test_a_network_that_gives_no_states_is_refused() -> None:
    class Other(Small):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
            return SimpleNamespace(logits=torch.zeros(1, 2))

    class Decoder(Small):
        def forward(self, input_ids: Tensor) -> Any:
            return input_ids

    with pytest.raises(ConfigError, match="gives no states of subwords"):
        made(network=Other())
    with pytest.raises(ConfigError, match="hf:small does not read subwords"):
        made(network=Decoder())


def test_pictures_have_no_language_model_and_texts_no_network_for_pictures() -> None:
    module = registry.module("encoders", "hf:vit")
    with pytest.raises(ConfigError, match="are of networks over text"):
        module.build(Spec("image", (1, 8, 8), "index", single=True), config.convert({"frozen": True}, module.Config))
    other = registry.module("encoders", "timm:resnet18")
    with pytest.raises(ConfigError, match="timm:resnet18 reads pictures"):
        other.build(Spec("text", (), "index", ("", "a"), vocabulary=2), other.Config())
