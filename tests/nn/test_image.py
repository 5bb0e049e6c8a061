"""What the nets over images share: halving with care, the size of a step, dense layers at the end."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sequela.errors import ConfigError
from sequela.nn import image
from sequela.types import Spec


@pytest.mark.parametrize(
    ("points", "kernel", "left"), [((28, 28), 2, (14, 14)), ((5, 28), 3, (2, 13)), ((3, 4), 2, (3, 2)), ((4, 3, 9), 3, (1, 3, 4))]
)
def test_an_axis_of_fewer_than_four_points_is_halved_no_further(
    points: tuple[int, ...], kernel: int, left: tuple[int, ...]
) -> None:
    layers, told = image.halved(points, kernel)
    assert tuple(nn.Sequential(*layers)(torch.zeros(1, 1, *points)).shape[2:]) == told == left
    assert image.halved((3, 2)) == ([], (3, 2))


@pytest.mark.parametrize(("points", "inputs"), [((9, 7), 6 * 36), ((2, 3), 6 * 6), ((6, 8, 1), 6 * 36)])
def test_dense_layers_read_a_map_of_at_most_so_many_points(points: tuple[int, ...], inputs: int) -> None:
    layers = nn.Sequential(*image.dense(6, points, 6, 5, 0.0))
    first = next(layer for layer in layers if isinstance(layer, nn.Linear))
    assert first.in_features == inputs
    assert layers(torch.randn(2, 6, *points)).shape == (2, 5)


def test_small_is_below_64_points_unless_the_study_says_so() -> None:
    assert [image.small(Spec("image", (1, 64, side), "index"), "auto") for side in (63, 64)] == [True, False]
    assert image.small(Spec("image", (1, 9, 9), "index"), "large") is False
    assert image.small(Spec("image", (1, 500, 500), "index"), "small") is True


def test_a_step_that_is_no_picture_is_refused() -> None:
    assert image.size(Spec("image", (1, 2, 3, 4), "index")) == (2, 3, 4)
    with pytest.raises(ConfigError, match="is codes; this encoder reads"):
        image.size(Spec("codes", (), "days", vocabulary=3))
