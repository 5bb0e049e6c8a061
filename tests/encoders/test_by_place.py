"""The network over aligned letters against its equation, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.encoders import by_place
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

SPEC = Spec("residues", (), "index", tuple("?ACGT"), vocabulary=5, alphabet="dna", length=4)


def seq(codes: list[list[int]]) -> Seq:
    values = torch.tensor(codes)
    return Seq(values, torch.ones(values.shape, dtype=torch.bool), torch.zeros(values.shape, dtype=torch.float64))


def test_it_is_a_perceptron_over_letters_one_hot_side_by_side() -> None:
    torch.manual_seed(0)
    made = by_place.build(SPEC, by_place.Config(width=3, layers=2)).double()
    codes = [[1, 2, 3, 4], [4, 4, 0, 1]]
    ones = np.eye(5)[np.array(codes)].reshape(2, 20)
    weight, bias = made.weight.detach().numpy(), made.bias.detach().numpy()
    second = made.layers[0][0]
    hidden = np.tanh(ones @ weight + bias)
    expected = np.tanh(hidden @ second.weight.detach().numpy().T + second.bias.detach().numpy())
    np.testing.assert_allclose(made(seq(codes)).pooled.detach().numpy(), expected, atol=1e-13)


def test_the_same_letter_weighs_differently_at_another_place() -> None:
    torch.manual_seed(0)
    pooled = by_place.build(SPEC, by_place.Config()).eval()(seq([[1, 2, 2, 2], [2, 1, 2, 2]])).pooled
    assert not torch.allclose(pooled[0], pooled[1], atol=1e-3)


def test_input_dropout_leaves_out_whole_letters() -> None:
    torch.manual_seed(0)
    made = by_place.build(SPEC, by_place.Config(input_dropout=0.5)).train()
    gone = (made(seq([[1, 2, 3, 4]] * 50)).steps == 0).all(2)
    some = (made(seq([[1, 2, 3, 4]] * 50)).steps == 0).any(2)
    assert 0.3 < gone.float().mean() < 0.7
    assert some.float().mean() < 0.7


@pytest.mark.parametrize(
    "spec", [Spec("residues", (), "index", vocabulary=5), Spec("codes", (3,), "days", vocabulary=5)], ids=["residues", "visits"]
)
def test_rows_of_any_length_are_refused(spec: Spec) -> None:
    with pytest.raises(ConfigError, match="has weights for each place"):
        by_place.build(spec, by_place.Config())
