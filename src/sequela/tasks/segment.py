"""What is each point of a picture? A class for every point, several names that may overlap, or one instance and the next.

A network sees patches and answers whole pictures (`contracts.Painter`). The loss is the cross-entropy of the points plus the soft
Dice of the batch (Milletari 2016, Isensee 2021); coarser maps of an encoder count one half, one quarter, … of the finest (deep
supervision). Instances are learnt as the classes inside and border of their numbers, and told apart again by growing the insides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
import torch
from msgspec import Meta, field
from torch import Tensor, nn

from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.nn import loss as losses
from sequela.nn import pointwise
from sequela.nn.pointwise import Maps
from sequela.prep import painting
from sequela.registry import nearest
from sequela.types import Answer, Array, Grid, Masks, Painted, Target

COUNTED = 100  # masks of the training part, at most, by which the shares of the classes are judged
PARTS = ("inside", "border")  # of an instance


class Config(Strict, frozen=True):
    loss: Literal["dice_cross_entropy", "cross_entropy", "focal"] = "dice_cross_entropy"
    gamma: Annotated[float, Meta(ge=0)] = 2.0  # of focal: how much less a sure, right answer counts
    overlap: bool = False  # each name by itself: the probabilities of a point need not add up to 1
    instances: bool = False  # masks number things of one kind, and so does the answer; the same as outcome.instances
    weights: dict[str, Annotated[float, Meta(gt=0)]] = field(
        default_factory=dict
    )  # name (or inside, border) -> what its points count
    rare: Annotated[float, Meta(ge=0, le=1)] = 0.0  # points count by this power of the inverse share of their class as well
    smallest: Annotated[int, Meta(ge=0)] = 0  # components (instances) of fewer points of the stored picture are left out
    largest: bool = False  # of each name only the largest connected component is kept
    flips: bool = False  # answers are the mean over the picture and its mirror images


@dataclass(frozen=True, slots=True)
class Segment:
    """Logits of every point: of nothing and K names; of K names, where they overlap; of nothing, inside and border."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["map"]] = "map"
    kind: ClassVar[Literal["segment"]] = "segment"

    @property
    def flips(self) -> bool:
        return self.config.flips

    @property
    def parts(self) -> tuple[str, ...]:
        """What the network tells apart, beside nothing."""
        return PARTS if self.config.instances else self.names

    def check(self, target: Target) -> None:
        """Raises DataError where no picture has a mask, one has a value that is no name, or all of them are empty."""
        marked = np.flatnonzero(target.known[:, 0])
        if not len(marked):
            raise DataError(f"none of {len(target.known)} training pictures has a mask of {', '.join(self.names)}")
        masks, anything = cast(Masks, target.dense), False
        for row in marked:
            anything |= self._checked(masks.whole(int(row)), int(row))
        if not anything:
            raise DataError(
                f"all masks of the {len(marked)} training pictures are empty: nothing is marked as {', '.join(self.names)}",
                hint="look at outcome.mask and outcome.classes",
            )

    def _checked(self, mask: Array, row: int) -> bool:
        """Whether anything is marked. Raises DataError for a value that is no name."""
        low, high = int(mask.min(initial=0)), int(mask.max(initial=0))
        if low < -1 or (high > len(self.names) and not self.config.instances):
            raise DataError(
                f"the mask of training picture {row} has the value {low if low < -1 else high}; "
                f"known are 0 to {len(self.names)} ({', '.join(self.names)}) and -1, not known",
                hint="name all values in outcome.classes, or say outcome.instances = true where they are numbers of things",
            )
        return high > 0

    def head(self, width: int) -> nn.Module:
        return pointwise.Points(width, len(self.parts) + (not self.config.overlap))

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets the biases to the shares of the classes among the training points, and what a point of each counts."""
        assert isinstance(head, pointwise.Points)
        count = self._counted(target) + 0.5
        share = count / count.sum()
        named = share[1:] if self.config.overlap else share
        bias = np.log(named / (1 - named)) if self.config.overlap else np.log(named)
        weight = self._weight(share)
        weight = weight / (share * weight).sum()
        weight = weight[1:] if self.config.overlap else weight
        head.begin_at(torch.as_tensor(bias, dtype=torch.float32), torch.as_tensor(weight, dtype=torch.float32))

    def _counted(self, target: Target) -> Array:
        """Points of nothing and of each part in some of the masks, evenly chosen."""
        marked, masks = np.flatnonzero(target.known[:, 0]), cast(Masks, target.dense)
        chosen = marked[np.linspace(0, len(marked) - 1, min(COUNTED, len(marked))).astype(np.int64)]
        total = np.zeros(len(self.parts) + 1)
        for row in chosen:
            classes = self._classes(torch.from_numpy(np.asarray(masks.whole(int(row)), np.int64))[None])
            total += np.bincount(classes[classes >= 0].numpy(), minlength=len(total))
        return total

    def _weight(self, share: Array) -> Array:
        """What a point of nothing and of each part counts: as the study says, times the power of its inverse share."""
        said = np.array([1.0, *(self.config.weights.get(name, 1.0) for name in self.parts)])
        weight: Array = said * share**-self.config.rare
        return weight

    def loss(self, out: Maps, target: Target) -> Tensor:
        """Float "B": 0 of a row without a mask; where Dice is part of it, that of the batch is added to each other row."""
        classes = self._classes(target.dense)
        classes = classes.masked_fill(~target.known[:, 0].view(-1, *[1] * (classes.ndim - 1)), -1)
        maps = (out.logits, *out.coarser)
        share = [0.5**level for level in range(len(maps))]
        each = [self._level(one, pointwise.nearest(classes, one.shape[2:]), out.weight) for one in maps]
        return torch.stack([part * loss for part, loss in zip(share, each, strict=True)]).sum(0) / sum(share)

    def _classes(self, mask: Tensor) -> Tensor:
        return pointwise.borders(mask) if self.config.instances else mask

    def _level(self, logits: Tensor, classes: Tensor, weight: Tensor) -> Tensor:
        known, truth = (classes >= 0)[:, None], self._truth(classes)
        points = self._points(logits, classes.clamp_min(0), truth, weight)
        of_row = losses.mean_known(points.flatten(1), known.flatten(1))
        if self.config.loss != "dice_cross_entropy":
            return of_row
        dice = pointwise.soft_dice(self._named(logits), truth, known)
        return of_row + torch.where(known.flatten(1).any(1), dice, 0.0)

    def _truth(self, classes: Tensor) -> Tensor:
        """float "B K *S": 1 where a point is of a name."""
        each = torch.arange(1, len(self.parts) + 1, device=classes.device)
        return (classes[:, None] == each.view(-1, *[1] * (classes.ndim - 1))).float()

    def _points(self, logits: Tensor, label: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
        """The weighed cross-entropy of each point, "B *S"."""
        gamma = self.config.gamma if self.config.loss == "focal" else 0.0
        if not self.config.overlap:
            return losses.cross_entropy(logits, label, gamma) * weight[label]
        each = losses.binary_cross_entropy(logits, truth, gamma)
        counts = torch.where(truth > 0, weight.view(-1, *[1] * (truth.ndim - 2)), 1.0)
        return (each * counts).mean(1)

    def _named(self, logits: Tensor) -> Tensor:
        """Probabilities of the parts, without nothing."""
        return logits.sigmoid() if self.config.overlap else logits.softmax(1)[:, 1:]

    def balance(self, target: Target) -> Array:
        """Raises ConfigError: a picture is of no one class."""
        raise ConfigError(
            "there are no classes of pictures to balance in segmentation",
            hint='take train.balance = "none"; `foreground` of the modality draws rare points, task.rare weighs them',
        )

    def chances(self, out: Maps) -> Tensor:
        """float32 "B Q *S": of each name; of instances, inside and border."""
        return self._named(out.logits.detach().float())

    def answer(self, out: Maps) -> Answer:
        """The mean probability of each name over the points that the network saw."""
        chance = self.chances(out).double().flatten(2).mean(2)
        named = chance.sum(1, keepdim=True) if self.config.instances else chance
        return Answer("masks", named.cpu().numpy(), self.names)

    def painted(self, slabs: Iterator[tuple[int, Array]], grid: Grid) -> tuple[Painted, Array]:
        """As `contracts.Painter`. What is left out for its size has probability 0."""
        chance = painting.stored(slabs, grid)
        painted = self._instances(*chance) if self.config.instances else self._labelled(chance)
        return painted, painting.means(painted.chance)

    def _instances(self, inside: Array, border: Array) -> Painted:
        number = painting.instances(inside, border)
        kept = painting.numbered_anew(number, self.config.smallest)
        chance = np.minimum(inside.astype(np.uint16) + border, 255).astype(np.uint8)[None]
        return Painted(kept, painting.without(chance, number, kept))

    def _labelled(self, chance: Array) -> Painted:
        label = painting.overlapping(chance) if self.config.overlap else painting.exclusive(chance)
        if not self.config.largest and self.config.smallest < 2:
            return Painted(label, chance)
        kept = painting.cleaned(label, len(self.names), self.config.smallest, self.config.largest)
        return Painted(kept, painting.without(chance, label, kept))


def build(config: Config, names: tuple[str, ...]) -> Segment:
    """Raises ConfigError for options that do not go together, or weights of what is no name."""
    if config.instances and (config.overlap or config.largest or len(names) != 1):
        raise ConfigError("instances are of one kind, do not overlap, and are not reduced to the largest")
    task = Segment(config, names)
    for name in config.weights:
        if name not in task.parts:
            raise ConfigError(f"task.weights names {name!r}, which is no class", hint=nearest(name, list(task.parts)))
    return task
