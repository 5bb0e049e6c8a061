"""The filters of Kim 2014 against windows cut by hand, short texts, and what none of them may see."""

from __future__ import annotations

import pytest
import torch

from sequela.encoders import cnn_text
from sequela.encoders._filters import Filters
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

TEXT = Spec("text", (), "index", vocabulary=9, context=2)


def text(*rows: list[int]) -> Seq:
    longest = max(1, *map(len, rows))
    values = torch.tensor([row + [8] * (longest - len(row)) for row in rows])
    mask = torch.arange(longest) < torch.tensor([len(row) for row in rows])[:, None]
    return Seq(values, mask, torch.zeros(values.shape, dtype=torch.float64), None, None, torch.ones(len(rows), 2))


def made(**options: object) -> Filters:
    torch.manual_seed(2)
    return cnn_text.build(TEXT, cnn_text.Config(**{"width": 4, "embedding": 6, **options})).eval()


@torch.no_grad()
def test_what_is_pooled_is_the_largest_answer_of_each_filter_over_all_windows() -> None:
    net, words = made(), [1, 5, 2, 2, 7, 3]
    vectors = net.words(text(words))[0]
    expected = []
    for motifs, kernel in zip(net.motifs, (3, 4, 5), strict=True):
        ahead, behind = (kernel - 1) // 2, kernel // 2
        laid = torch.cat([vectors.new_zeros(ahead, 6), vectors, vectors.new_zeros(behind, 6)])
        windows = torch.stack([laid[t : t + kernel].T for t in range(len(words))])
        answers = torch.einsum("tdk,fdk->tf", windows, motifs.convolution.weight) + motifs.convolution.bias
        expected.append(answers.relu().amax(0))
    torch.testing.assert_close(net(text(words)).pooled[0], torch.cat([*expected, torch.ones(2)]))


@torch.no_grad()
def test_a_text_shorter_than_every_kernel_is_read_alone_and_beside_a_long_one() -> None:
    net = made()
    alone, beside = net(text([3, 1])).pooled[0], net(text([1, 2, 3, 4, 5, 6, 7, 1, 2], [3, 1], [])).pooled
    torch.testing.assert_close(beside[1], alone)
    assert not torch.equal(alone, net(text([1, 3])).pooled[0])
    assert torch.equal(beside[2], torch.tensor([0.0] * 12 + [1.0] * 2))


@torch.no_grad()
def test_the_order_of_words_counts_within_a_kernel_and_not_beyond() -> None:
    net = made(kernels=[1])
    torch.testing.assert_close(net(text([1, 2, 3, 4])).pooled, net(text([3, 1, 4, 2])).pooled)
    assert not torch.allclose(made()(text([1, 2, 3, 4])).pooled, made()(text([3, 1, 4, 2])).pooled)


def test_words_and_the_vector_are_dropped_in_training_alone() -> None:
    net = made(dropout=0.5, input_dropout=0.5)
    seq = text([1, 2, 3, 4, 5, 6])
    assert torch.equal(net(seq).pooled, net(seq).pooled)
    net.train()
    assert not torch.equal(net(seq).pooled, net(seq).pooled)


def test_cnn_text_refuses_numbers_and_an_empty_list_of_kernels() -> None:
    with pytest.raises(ConfigError, match="cnn_text reads words or codes"):
        cnn_text.build(Spec("waveform", (1, 64), "seconds"), cnn_text.Config())
    with pytest.raises(ConfigError, match="at least one kernel"):
        cnn_text.build(TEXT, cnn_text.Config(kernels=()))
