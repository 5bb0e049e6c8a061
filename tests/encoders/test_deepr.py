"""Deepr: the text it makes of a record, and its motifs against the plain sums."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.encoders import deepr
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

VISITS = Spec("codes", (3,), "days", vocabulary=10, side=1, context=2)
EVENTS = Spec("codes", (), "days", vocabulary=10, side=1)


def visits() -> Seq:
    """Three visits 20 and 400 days apart; two at once of which the first has no code; none at all."""
    nan = float("nan")
    return Seq(
        torch.tensor([[[1, 2, 3], [4, 5, 0], [6, 0, 0]], [[7, 8, 9], [7, 8, 1], [5, 5, 5]], [[1, 1, 1]] * 3]),
        torch.tensor([[True, True, True], [True, True, False], [False, False, False]]),
        torch.tensor([[-420.0, -400, 0], [-5, -5, nan], [nan, nan, nan]], dtype=torch.float64),
        torch.tensor([[[1, 1, 1], [1, 1, 0], [1, 0, 0]], [[0, 0, 0], [1, 0, 1], [1, 1, 1]], [[1, 1, 1]] * 3], dtype=torch.bool),
        torch.tensor([[[0.5], [-1.0], [2.0]]] * 3, dtype=torch.float64),
        torch.ones(3, 2, dtype=torch.float64),
    )


def made(spec: Spec, **options) -> deepr.Deepr:
    torch.manual_seed(6)
    return deepr.build(spec, deepr.Config(width=4, embedding=5, **options)).double()


def read(text: deepr.Text) -> list[list[int]]:
    return [words[mask].tolist() for words, mask in zip(text.words, text.mask, strict=True)]


def test_visits_are_read_as_codes_with_a_gap_word_between_them() -> None:
    text = made(VISITS).text(visits())
    assert read(text) == [[1, 2, 3, 10, 4, 5, 14, 6], [10, 7, 1], []]
    assert [step[mask].tolist() for step, mask in zip(text.step, text.mask, strict=True)] == [
        [0, 0, 0, 1, 1, 1, 2, 2],
        [1, 1, 1],
        [],
    ]


def test_events_have_a_gap_word_only_where_time_went_by() -> None:
    position = torch.tensor([[-100.0, -100, -40, -40, 0]], dtype=torch.float64)
    seq = Seq(torch.tensor([[1, 2, 3, 4, 5]]), torch.ones(1, 5, dtype=torch.bool), position, None, torch.zeros(1, 5, 1))
    assert read(made(EVENTS).text(seq)) == [[1, 2, 11, 3, 4, 11, 5]]
    assert read(made(EVENTS, gaps=(50.0,)).text(seq)) == [[1, 2, 11, 3, 4, 10, 5]]


@pytest.mark.parametrize(("days", "word"), [(0, 10), (30, 10), (31, 11), (91, 11), (92, 12), (200, 13), (365, 13), (366, 14)])
def test_gaps_are_those_of_the_paper_in_months(days: int, word: int) -> None:
    codes, position = torch.tensor([[[1, 1, 1], [2, 2, 2]]]), torch.tensor([[-float(days), 0.0]], dtype=torch.float64)
    seq = Seq(codes, torch.ones(1, 2, dtype=torch.bool), position, codes > 0, torch.zeros(1, 2, 1), torch.zeros(1, 2))
    assert read(made(VISITS).text(seq))[0][3] == word


def test_motifs_equal_the_plain_sums_and_the_largest_counts() -> None:
    encoder, seq = made(VISITS, kernels=(2, 3)), visits()
    p = {name: value.detach().numpy() for name, value in encoder.named_parameters()}
    out, text = encoder(seq), encoder.text(seq)
    for row, words in enumerate(read(text)):
        steps = text.step[row][text.mask[row]].tolist()
        x = np.array(
            [
                p["words.weight"][word] + p["side.weight"][:, 0] * seq.side[row, t, 0].item()
                for word, t in zip(words, steps, strict=True)
            ]
        )
        answers = np.zeros((len(words), 8))
        for number, kernel in enumerate((2, 3)):
            weight, bias = p[f"motifs.{number}.convolution.weight"], p[f"motifs.{number}.convolution.bias"]
            for place in range(len(words)):
                total = bias.copy()
                for k in range(kernel):
                    at = place + k - (kernel - 1) // 2
                    total += weight[:, :, k] @ x[at] if 0 <= at < len(words) else 0
                answers[place, 4 * number : 4 * number + 4] = np.maximum(total, 0)
        largest = answers.max(0, initial=0)
        np.testing.assert_allclose(out.pooled[row].detach().numpy(), [*largest, 1, 1], rtol=0, atol=1e-12)
        for t in range(3):
            own = answers[np.array(steps, int) == t].max(0, initial=0)
            np.testing.assert_allclose(out.steps[row, t].detach().numpy(), own, rtol=0, atol=1e-12)


@torch.no_grad()
def test_a_motif_counts_wherever_it_stands() -> None:
    encoder = made(Spec("codes", (), "days", vocabulary=10), kernels=(3,), gaps=())
    encoder.words.weight[0] = 0  # says nothing, as the end of a row does

    def pooled(*codes: int) -> torch.Tensor:
        return encoder(Seq(torch.tensor([codes]), torch.ones(1, len(codes), dtype=torch.bool), torch.zeros(1, len(codes)))).pooled

    torch.testing.assert_close(pooled(0, 0, 4, 5, 6, 0, 0, 0, 0), pooled(0, 0, 0, 0, 0, 4, 5, 6, 0))
    assert not torch.allclose(pooled(0, 0, 4, 5, 6, 0), pooled(0, 0, 6, 5, 4, 0))


def test_backpropagation_equals_finite_differences_in_deepr() -> None:
    encoder, seq = made(VISITS, kernels=(2, 3)), visits()
    names = [name for name, _ in encoder.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(encoder, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in encoder.parameters()), atol=1e-6)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        (Spec("measurements", (3,), "days"), {}, "holds numbers of shape"),
        (Spec("codes", (2, 2), "days", vocabulary=4), {}, "holds codes of shape"),
        (EVENTS, {"kernels": ()}, "at least one kernel"),
        (EVENTS, {"gaps": (5.0, 5.0)}, "gaps that rise"),
    ],
)
def test_what_is_no_text_is_refused(spec: Spec, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        deepr.build(spec, deepr.Config(**options))
