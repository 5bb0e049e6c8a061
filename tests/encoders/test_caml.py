"""The convolution of CAML against the sum that it stands for, and with the labels that read its steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.encoders import caml
from sequela.encoders._filters import Filters
from sequela.errors import ConfigError
from sequela.tasks import multilabel
from sequela.types import Seq, Spec, Target

TEXT = Spec("text", (), "index", vocabulary=12, side=1)


def text(*rows: list[int]) -> Seq:
    """Rows of word numbers; what lies on padding is word 11."""
    longest = max(map(len, rows))
    values = torch.tensor([row + [11] * (longest - len(row)) for row in rows])
    mask = torch.arange(longest) < torch.tensor([len(row) for row in rows])[:, None]
    side = torch.linspace(-1, 1, len(rows) * longest).view(len(rows), longest, 1)
    return Seq(values, mask, torch.arange(longest).double().expand(len(rows), -1), None, side)


def made(**options: object) -> Filters:
    torch.manual_seed(4)
    return caml.build(TEXT, caml.Config(width=3, embedding=5, **options)).eval()


@pytest.mark.parametrize("kernel", [1, 3, 4, 10])
@torch.no_grad()
def test_each_word_is_told_with_the_words_around_it_and_zeros_beyond_the_text(kernel: int) -> None:
    net, seq = made(kernel=kernel), text([1, 2, 3, 4, 5], [6, 7])
    vectors, weight = net.words(seq), net.motifs[0].convolution.weight
    before = (kernel - 1) // 2
    for row, length in ((0, 5), (1, 2)):
        for t in range(length):
            there = [k for k in range(kernel) if 0 <= t - before + k < length]
            summed = net.motifs[0].convolution.bias + sum(weight[:, :, k] @ vectors[row, t - before + k] for k in there)
            torch.testing.assert_close(net(seq).steps[row, t], summed.tanh())


@torch.no_grad()
def test_a_filter_counts_by_its_largest_answer_in_the_text() -> None:
    out = made()(text([1, 2, 3, 4], [5]))
    torch.testing.assert_close(out.pooled[0], out.steps[0].amax(0))
    torch.testing.assert_close(out.pooled[1], out.steps[1, 0])


def test_with_labels_that_attend_it_learns_which_words_speak_for_which_code() -> None:
    """Words 1 and 2 each call for a label; the evidence of a label must lie at its word, within the kernel."""
    random = np.random.default_rng(0)
    words = random.integers(3, 12, (120, 15))
    place, label = random.permuted(np.tile(np.arange(15), (120, 1)), axis=1)[:, :2], random.random((120, 2)) < 0.5
    for k in range(2):
        words[np.flatnonzero(label[:, k]), place[label[:, k], k]] = k + 1
    seq = text(*words.tolist())
    net = caml.build(TEXT, caml.Config(width=12, embedding=12, kernel=3)).train()
    task = multilabel.build(multilabel.Config(attention="label"), ("first", "second"))
    head = task.head(net.steps_width)
    target = Target(torch.tensor(label, dtype=torch.float32), torch.ones(120, 2, dtype=torch.bool), task.names)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=0.02)
    for _ in range(80):
        optimizer.zero_grad()
        task.loss(head(net(seq)), target).mean().backward()
        optimizer.step()
    with torch.no_grad():
        out = net.eval()(seq)
        right = ((head(out) > 0).numpy() == label).mean()
        strongest = head.terms(out.steps, out.mask).argmax(2).numpy()
    assert right > 0.97
    assert (np.abs(strongest - place) <= 1)[label].mean() > 0.9


def test_caml_refuses_numbers_and_says_what_it_reads() -> None:
    with pytest.raises(ConfigError, match="caml reads words or codes; a step of 'measurements' holds numbers of shape"):
        caml.build(Spec("measurements", (4,), "days"), caml.Config())
