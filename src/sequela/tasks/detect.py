"""Where on the picture is which thing, and how many of each? Boxes with a class and a score.

Anchor-free: every cell of the encoder's map (of any stride: the map's size is held against the picture's) says how likely it is
the centre of a box of each class, and where the edges of that box are. The parts, with their sources, are in `nn/centres.py`.
Ours differs from CenterNet (Zhou 2019) in learning edges instead of sizes and offsets, and in the suppression of boxes that
overlap, which peaks of a coarse map leave in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.nn import boxes, centres
from sequela.nn.centres import Map
from sequela.prep import grid as grids
from sequela.types import Answer, Array, Boxed, Boxes, Encoded, Grid, Target

RARE = 0.01  # share of cells that a head takes for a centre before it has learnt (Lin 2017, section 3.3)
STRIDES = 4.0  # how far an edge is from its cell before a head has learnt
FARTHEST = 6.0  # bound of the logarithm of a distance in strides: beyond it exp has no use, and no gradient worth having


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 32  # channels of the head's convolutions
    depth: Annotated[int, Meta(ge=1)] = 1  # convolutions before the last, for the heat and for the edges
    floor: Annotated[float, Meta(ge=0, lt=1)] = 0.05  # the least score of a box that is kept
    most: Annotated[int, Meta(ge=1)] = 100  # boxes of one picture that are kept
    overlap: Annotated[float, Meta(ge=0, le=1)] = 0.5  # with a surer box of its class, beyond which a box goes
    soft: Annotated[float, Meta(ge=0)] = 0.0  # instead: how slowly scores fall with overlap (sigma of Soft-NMS); 0: boxes go
    heat_weight: Annotated[float, Meta(gt=0)] = 1.0  # of the loss of the centres
    edge_weight: Annotated[float, Meta(gt=0)] = 5.0  # of the loss of the edges


class Head(nn.Module):
    """What every cell says, from the map of the one step of each row."""

    def __init__(self, width: int, classes: int, config: Config) -> None:
        super().__init__()
        self.heat = nn.Sequential(*_convolutions(width, config), nn.Conv2d(config.width, classes, 1))
        self.edges = nn.Sequential(*_convolutions(width, config), nn.Conv2d(config.width, 4, 1))
        nn.init.zeros_(self.edges[-1].weight)  # type: ignore[arg-type]
        nn.init.constant_(self.edges[-1].bias, math.log(STRIDES))  # type: ignore[arg-type]

    def forward(self, encoded: Encoded) -> Map:
        if encoded.steps is None or encoded.seq is None or encoded.steps.dim() != 5:
            raise ValueError('this head needs the map "B T D H W" of pictures, and the pictures')
        values, map_ = encoded.seq.values, encoded.steps[:, 0]
        height, width = int(values.shape[-2]), int(values.shape[-1])
        cells = (int(map_.shape[-2]), int(map_.shape[-1]))
        stride = map_.new_tensor([height / cells[0], width / cells[1]]).repeat(2)[:, None, None]
        distances = self.edges(map_).clamp(max=FARTHEST).exp() * stride
        middle = centres.middles(cells, (height, width), map_)
        return Map(self.heat(map_), centres.edges(distances, middle), encoded.mask[:, 0], (height, width))

    @torch.no_grad()
    def begin_at(self, share: Tensor) -> None:
        """Sets the last bias of the heat "K", so that each class begins with that share of the cells."""
        self.heat[-1].bias.copy_(torch.logit(share))  # type: ignore[operator]
        nn.init.zeros_(self.heat[-1].weight)  # type: ignore[arg-type]


def _convolutions(width: int, config: Config) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for narrow in [width, *[config.width] * (config.depth - 1)]:
        layers += [nn.Conv2d(narrow, config.width, 3, padding=1), nn.ReLU()]
    return layers


@dataclass(frozen=True, slots=True)
class Detect:
    """Boxes of K classes on one picture a row."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["map"]] = "map"
    kind: ClassVar[Literal["detect"]] = "detect"

    def check(self, target: Target) -> None:
        """Raises DataError where no picture is marked, a class has no box, or a box has no area or a class without a name."""
        marked = target.dense.take(np.flatnonzero(target.known[:, 0]))
        if not len(marked):
            raise DataError(f"none of {len(target.values)} training pictures has a label: nobody marked boxes on them")
        _refuse_bad(marked, self.names)
        absent = [name for k, name in enumerate(self.names) if k not in marked.label]
        if absent:
            raise DataError(
                f"no box of {', '.join(map(repr, absent))} is on any of {len(marked)} training pictures",
                hint="leave the class out of outcome.classes, or look at the split",
            )

    def head(self, width: int) -> nn.Module:
        return Head(width, len(self.names), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Tells the head how common each class is among the boxes."""
        assert isinstance(head, Head)
        marked = target.dense.take(np.flatnonzero(target.known[:, 0]))
        count = np.bincount(marked.label, minlength=len(self.names)) + 0.5
        head.begin_at(torch.as_tensor(RARE * count / count.sum(), dtype=torch.float32))

    def loss(self, out: Map, target: Target) -> Tensor:
        height, width = out.heat.shape[-2:]
        aim = centres.wanted(target.dense, len(self.names), (height, width), out.picture)
        heat, edge = centres.heat_loss(out.heat, aim.heat), centres.edge_loss(out.corners, aim)
        loss = (self.config.heat_weight * heat + self.config.edge_weight * edge) / aim.count.clamp_min(1)
        return loss.where(target.known[:, 0] & out.exists, 0.0)

    def balance(self, target: Target) -> Array:
        """Raises ConfigError: a picture is of no class."""
        raise ConfigError("boxes have classes, pictures have none: there is nothing to balance", hint='set balance = "none"')

    def answer(self, out: Map) -> Answer:
        """The boxes in pixels of the model's picture, and the sum of their scores by class; None where a row has no picture."""
        boxed = tuple(self._boxed(out, row) if out.exists[row] else None for row in range(len(out.exists)))
        return Answer("boxes", summed(boxed, len(self.names)), self.names, boxed=boxed)

    def _boxed(self, out: Map, row: int) -> Boxed:
        heat = out.heat[row].detach().double().sigmoid()
        score, label, place = centres.peaks(heat, 4 * self.config.most)
        likely = score > self.config.floor
        score, label, place = score[likely], label[likely], place[likely]
        corners = _inside(out.corners[row].detach().flatten(1)[:, place].T, out.picture)
        return self._chosen(corners, score, label)

    def _chosen(self, corners: Tensor, score: Tensor, label: Tensor) -> Boxed:
        """The surest of the candidates, after suppression; such as have no area inside the picture are left out."""
        if self.config.soft:
            score = boxes.softened(corners, score, label, self.config.soft)
        order = score.argsort(descending=True, stable=True) if self.config.soft else self._kept(corners, score, label)
        order = order[(boxes.area(corners[order]) > 0) & (score[order] > self.config.floor)][: self.config.most]
        found = (part[order].cpu().numpy() for part in (corners.float(), label, score))
        return Boxed(*found)

    def _kept(self, corners: Tensor, score: Tensor, label: Tensor) -> Tensor:
        return boxes.kept(corners, score, label, self.config.overlap)

    def settled(self, boxed: Boxed, grid: Grid) -> Boxed:
        """The same boxes in pixels of the stored picture, cut off at its edges."""
        return Boxed(grids.boxes_to_stored(boxed.corners, grid), boxed.label, boxed.score)


def _inside(corners: Tensor, picture: tuple[int, int]) -> Tensor:
    return torch.minimum(corners.clamp_min(0), corners.new_tensor([*picture, *picture]))


def _refuse_bad(marked: Boxes, names: tuple[str, ...]) -> None:
    high, width = (marked.corners[:, 2:] - marked.corners[:, :2]).T
    flat = int((~((high > 0) & (width > 0))).sum())
    if flat:
        raise DataError(
            f"{flat} of {len(marked.label)} boxes have no area", hint="the bottom right corner comes after the top left one"
        )
    unnamed = int(((marked.label < 0) | (marked.label >= len(names))).sum())
    if unnamed:
        raise DataError(f"{unnamed} of {len(marked.label)} boxes have a label that is none of {len(names)} classes")


def summed(boxed: tuple[Boxed | None, ...], classes: int) -> Array:
    """The sum of the scores of each class, float64 "N K": how many there are in all likelihood, if scores are probabilities."""
    rows = [np.zeros(classes) if one is None else np.bincount(one.label, one.score, classes) for one in boxed]
    # of nothing at all, NumPy's counts are whole numbers
    return np.stack(rows).astype(np.float64) if rows else np.zeros((0, classes))


def build(config: Config, names: tuple[str, ...]) -> Detect:
    return Detect(config, names)
