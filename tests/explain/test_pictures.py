"""Maps of what an answer rests on, held against a planted cause: a bright square that alone decides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela.encoders import resnet, vgg
from sequela.errors import UsageError
from sequela.explain import grad_cam, occlusion
from sequela.explain.question import Asked
from sequela.types import Array, Seq, Spec

pytestmark = pytest.mark.slow  # trains networks

SIDE = 32


class Judge(nn.Module):
    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.out = nn.Linear(width, 1)

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        out: Tensor = self.out(self.encoder(inputs["picture"]).pooled)
        return out


def pictures(count: int, seed: int) -> tuple[Tensor, Tensor, Array]:
    """Pictures "n 1 1 H W", whether a square is in each, and where."""
    random = np.random.default_rng(seed)
    values, event = random.normal(size=(count, 1, 1, SIDE, SIDE)).astype(np.float32), np.arange(count) % 2
    inside = np.zeros((count, SIDE, SIDE), bool)
    for row in range(count):
        y, x = random.integers(0, SIDE - 8, 2)
        inside[row, y : y + 8, x : x + 8] = True
        values[row, 0, 0][inside[row]] += 2.5 * event[row]
    return torch.from_numpy(values), torch.from_numpy(event.astype(np.float32)), inside


def seq(values: Tensor) -> Seq:
    count = len(values)
    return Seq(values, torch.ones(count, 1, dtype=torch.bool), torch.zeros(count, 1, dtype=torch.float64))


@pytest.fixture(scope="module")
def judge() -> Judge:
    """A network that has learnt to find the square."""
    torch.manual_seed(0)
    encoder = resnet.build(Spec("image", (1, SIDE, SIDE), "days"), resnet.Config(blocks=(1, 1), width=12))
    made = Judge(encoder, encoder.width)
    optimizer = torch.optim.AdamW(made.parameters(), 5e-3)
    values, event, _ = pictures(256, 0)
    for step in range(60):
        some = slice(step % 4 * 64, step % 4 * 64 + 64)
        loss = nn.functional.binary_cross_entropy_with_logits(made({"picture": seq(values[some])})[:, 0], event[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return made.eval()


def asked(judge: Judge, values: Tensor) -> Asked:
    return Asked(judge, "picture", {"picture": seq(values)})


def inside_share(heat: Array, inside: Array) -> float:
    """How often the warmest of a map's points lies in the square."""
    warmest = [np.unravel_index(np.argmax(one), one.shape) for one in heat]
    return float(np.mean([square[place] for square, place in zip(inside, warmest, strict=True)]))


@pytest.mark.slow
def test_both_maps_find_the_planted_square(judge: Judge) -> None:
    values, event, inside = pictures(40, 1)
    shown = event.bool().numpy()
    question = asked(judge, values[event.bool()])
    assert inside_share(grad_cam.heat(question, judge.encoder)[:, 0], inside[shown]) > 0.8
    assert inside_share(occlusion.heat(question)[:, 0], inside[shown]) > 0.8


@pytest.mark.slow
def test_a_network_of_random_weights_finds_it_no_better_than_chance() -> None:
    torch.manual_seed(1)
    encoder = resnet.build(Spec("image", (1, SIDE, SIDE), "days"), resnet.Config(blocks=(1, 1), width=12))
    random = Judge(encoder, encoder.width).eval()
    values, event, inside = pictures(60, 1)
    found = inside_share(occlusion.heat(asked(random, values[event.bool()]))[:, 0], inside[event.bool().numpy()])
    assert found < 0.5


def test_a_row_is_explained_alike_whoever_is_beside_it(judge: Judge) -> None:
    values, _, _ = pictures(6, 2)
    together, alone = (grad_cam.heat(asked(judge, some), judge.encoder) for some in (values, values[3:4]))
    assert np.allclose(together[3], alone[0], atol=1e-5)
    assert np.allclose(occlusion.heat(asked(judge, values))[3], occlusion.heat(asked(judge, values[3:4]))[0], atol=1e-5)


def test_padding_gets_nothing(judge: Judge) -> None:
    values, _, _ = pictures(4, 3)
    one = seq(values.reshape(2, 2, 1, SIDE, SIDE))
    mask = torch.tensor([[True, True], [True, False]])
    question = Asked(judge, "picture", {"picture": Seq(one.values, mask, torch.zeros(2, 2, dtype=torch.float64))})
    assert not grad_cam.heat(question, judge.encoder)[1, 1].any()
    assert not occlusion.heat(question)[1, 1].any()


def test_explaining_leaves_the_network_as_it_was(judge: Judge) -> None:
    values, _, _ = pictures(2, 4)
    before = {name: weight.clone() for name, weight in judge.state_dict().items()}
    grad_cam.heat(asked(judge, values), judge.encoder)
    assert all(torch.equal(weight, before[name]) for name, weight in judge.state_dict().items())
    assert not judge.training


def test_an_encoder_without_convolutions_says_what_to_take_instead() -> None:
    class Flat(nn.Module):
        def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
            total: Tensor = inputs["picture"].values.flatten(1).sum(1, keepdim=True)
            return total

    network = Flat()
    with pytest.raises(UsageError, match="occlusion"):
        grad_cam.heat(Asked(network, "picture", {"picture": seq(pictures(2, 0)[0])}), network)


def test_points_beyond_the_last_whole_cover_are_covered_too() -> None:
    class Corner(nn.Module):
        def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
            corner: Tensor = inputs["picture"].values[:, 0, 0, -1, -1:]
            return corner

    values = torch.ones(1, 1, 1, 13, 11)
    found = occlusion.heat(Asked(Corner(), "picture", {"picture": seq(values)}))[0, 0]
    assert found[-1, -1] == pytest.approx(1) and found[0, 0] == 0


def test_a_classifier_with_flat_layers_is_looked_into_too() -> None:
    encoder = vgg.build(Spec("image", (1, SIDE, SIDE), "days"), vgg.Config())
    values, _, _ = pictures(2, 0)
    found = grad_cam.heat(asked(Judge(encoder, encoder.width).eval(), values), encoder)
    assert found.shape == (2, 1, SIDE, SIDE) and found.min() >= 0 and found.max() <= 1
