"""What is said of every point of a picture: logits from a map, and what they are off by.

Nothing here reduces over the batch but the soft Dice, which is one number of all its pictures. Letters: B batch, K class,
Q column of logits, D width, *S the points of a picture or volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sequela.types import Encoded


@dataclass(frozen=True, slots=True)
class Maps:
    """Logits of every point."""

    logits: Tensor  # float "B Q *S"
    coarser: tuple[Tensor, ...]  # the same with fewer points, finest first, where an encoder gives such maps
    weight: Tensor  # float "Q": how much a point of each class counts


class Points(nn.Module):
    """Logits from the first step's map, and by the same convolution of 1 from each coarser one.

    A map that has fewer points than the picture is brought to its size by interpolating the logits.
    """

    weight: Tensor

    def __init__(self, width: int, columns: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, columns)
        self.register_buffer("weight", torch.ones(columns))

    def forward(self, encoded: Encoded) -> Maps:
        if encoded.steps is None or encoded.steps.ndim < 5:
            raise ValueError("this head needs a map of every step")
        logits = self._logits(encoded.steps)
        if encoded.seq is not None and encoded.seq.values.shape[3:] != logits.shape[2:]:
            logits = enlarged(logits, encoded.seq.values.shape[3:])
        return Maps(logits, tuple(self._logits(one) for one in encoded.coarser), self.weight)

    def _logits(self, steps: Tensor) -> Tensor:
        first = steps[:, 0]
        flat = torch.matmul(self.out.weight, first.flatten(2)) + self.out.bias[:, None]
        return flat.view(*flat.shape[:2], *first.shape[2:])

    @torch.no_grad()
    def begin_at(self, bias: Tensor, weight: Tensor) -> None:
        """Sets the bias "Q", so that the first answers are near the classes' shares, and what a point of each class counts."""
        self.out.bias.copy_(bias)
        self.weight.copy_(weight)


def enlarged(maps: Tensor, size: torch.Size | tuple[int, ...]) -> Tensor:
    """Maps "B Q *S" interpolated linearly to another size."""
    mode = "bilinear" if maps.ndim == 4 else "trilinear"
    return functional.interpolate(maps, tuple(size), mode=mode, align_corners=False)


def nearest(classes: Tensor, size: torch.Size) -> Tensor:
    """Classes "B *S" at a coarser size: of each of its points the class at the middle."""
    for axis, points in enumerate(size, 1):
        whole = classes.shape[axis]
        if whole != points:
            middle = (torch.arange(points, device=classes.device) + 0.5) * whole / points
            classes = classes.index_select(axis, middle.long())
    return classes


def soft_dice(chance: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """1 - Dice of probabilities "B K *S" with a truth of 0 and 1, all pictures taken together; the mean over K.

    Milletari 2016 (V-Net), without the squares, as in nnU-Net (Isensee 2021). `known` "B 1 *S" leaves points out. 1 is added
    above and below, so a class that is neither there nor said to be costs nothing.
    """
    counted = known.to(chance.dtype)
    over = [0, *range(2, chance.ndim)]
    both = (chance * truth * counted).sum(over)
    either = (chance * counted).sum(over) + (truth * counted).sum(over)
    return 1 - ((2 * both + 1) / (either + 1)).mean()


def borders(number: Tensor) -> Tensor:
    """Instances "B *S" as classes: 0 nothing, 1 inside, 2 border: of whose 3 x 3 (x 3) neighbours one has another number.

    What is not known (-1) stays so, and as a neighbour makes no border; nor does the edge of the patch.
    """
    pool = functional.max_pool2d if number.ndim == 3 else functional.max_pool3d
    exact = number.double() if number.numel() and int(number.max()) >= 1 << 24 else number.float()
    unknown = (number < 0)[:, None]
    high = pool(exact[:, None].masked_fill(unknown, -torch.inf), 3, 1, 1)[:, 0]
    low = -pool((-exact[:, None]).masked_fill(unknown, -torch.inf), 3, 1, 1)[:, 0]
    border = (number > 0) & ((high != exact) | (low != exact))
    return number.clamp_max(1) + border.long()
