from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela.errors import ConfigError
from sequela.nn.painting import paint, settle
from sequela.types import Answer, Array, Boxed, Grid, Painted, Ragged, Seq


@dataclass(frozen=True)
class Held:
    """Pictures of differing sizes in memory (types.Fields)."""

    arrays: list[Array]
    patch: tuple[int, ...] | None = (8, 8)
    patches: int = 1
    foreground: float = 0.0
    dtype = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.arrays), 1, *(self.patch or self.arrays[0].shape[1:])

    def __getitem__(self, index: Array, /) -> Array:
        raise AssertionError("a picture is read by its parts")

    def name(self, entry: int) -> str:
        return ""

    def grid(self, entry: int) -> Grid:
        size = self.arrays[entry].shape[1:]
        return Grid(size, size, (1.0,) * len(size), (0.0,) * len(size))

    def space(self, entry: int) -> None:
        return None

    def crop(self, entry: int, corner: Any, size: Any) -> Array:
        whole = self.arrays[entry]
        found = np.zeros((1, *size), np.float32)
        for place in np.ndindex(*size):
            at = tuple(np.add(corner, place))
            if all(0 <= a < n for a, n in zip(at, whole.shape[1:], strict=True)):
                found[(0, *place)] = whole[(0, *at)]
        return found

    def shown(self, entry: int) -> Array:
        return self.arrays[entry].astype(np.uint8)


class Pointwise(nn.Module):
    """The sigmoid of each point: what no window can change."""

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        assert not self.training
        return inputs["picture"].values[:, 0].sigmoid()


@dataclass
class Task:
    flips: bool = False

    def chances(self, out: Tensor) -> Tensor:
        return out

    def painted(self, slabs: Iterator[tuple[int, Array]], grid: Grid) -> tuple[Painted, Array]:
        whole = np.concatenate([slab for _, slab in slabs], 1)
        return Painted((whole[0] > 0.5).astype(np.uint8), np.rint(whole * 255).astype(np.uint8)), whole.mean((1, 2))


def ragged(fields: Held, lengths: list[int]) -> Ragged:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Ragged(offsets, fields, np.zeros(offsets[-1]), take=np.arange(offsets[-1])[::-1].copy())


@pytest.mark.parametrize("flips", [False, True])
def test_a_picture_of_any_size_is_painted_as_its_points_are(flips: bool) -> None:
    random = np.random.default_rng(0)
    arrays = [random.normal(size=(1, *size)).astype(np.float32) for size in ((5, 11), (20, 9), (8, 8))]
    network = Pointwise()
    answer = paint(network, Task(flips), ("vessel",), {"picture": ragged(Held(arrays), [1, 0, 1, 1])}, "cpu")
    expected = [1 / (1 + np.exp(-arrays[entry][0])) for entry in (2, 1, 0)]
    assert answer.painted[1] is None and answer.values[1] == 0 and network.training
    for row, chance in zip((0, 2, 3), expected, strict=True):
        painted = answer.painted[row]
        assert painted is not None
        assert np.abs(painted.chance[0] / 255 - chance).max() < 0.5 / 255 + 1e-6
        assert answer.values[row, 0] == pytest.approx(chance.mean(), abs=1e-6)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ConfigError, match="gives no pictures"):
        plain = Ragged(np.array([0, 1]), np.zeros((1, 4), np.float32), np.zeros(1))
        paint(Pointwise(), Task(), ("vessel",), {"picture": plain}, "cpu")


def test_boxes_are_settled_by_the_grid_of_their_own_picture() -> None:
    @dataclass
    class Doubling:
        def settled(self, boxed: Boxed, grid: Grid) -> Boxed:
            return Boxed(boxed.corners * grid.size[0], boxed.label, boxed.score)

    one = Boxed(np.ones((1, 4), np.float32), np.zeros(1, np.int64), np.ones(1))
    fields = Held([np.zeros((1, size, 8), np.float32) for size in (3, 5)], patch=None)
    answer = Answer("boxes", np.ones((3, 1)), ("cell",), boxed=(one, one, one))
    found = settle(Doubling(), answer, {"picture": ragged(fields, [1, 0, 1])}).boxed
    assert found[1] is None
    assert [float(found[k].corners[0, 0]) for k in (0, 2)] == [5, 3]  # type: ignore[union-attr]
    assert torch.is_inference_mode_enabled() is False
