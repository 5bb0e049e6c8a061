"""One network over every step that exists, whatever row it is in; padding is never computed and enters no norm.

Letters: S steps laid end to end, B batch, T step, *F the shape of a step, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from sequela.errors import ConfigError
from sequela.nn.pool import Pool
from sequela.types import Encoded, Seq, Spec

PoolName: TypeAlias = Literal["mean", "max", "last", "attention"]


@dataclass(frozen=True, slots=True)
class Output:
    """What becomes of the vectors of the steps."""

    pool: PoolName = "mean"  # from steps to one vector a row
    dropout: float = 0.0  # of the pooled vector
    map: bool = False  # steps are "B T D *space" instead of their means
    inside: str | list[str] = "mean"  # from the points of a step to its vector: what nn/pool.py knows, or several side by side
    backward: bool = False  # the second half of D was read backwards
    side_dropout: float = 0.0  # of the numbers of the steps: each is left out of a whole row
    step_dropout: float = 0.0  # of the vector of each step


class Stepwise(nn.Module):
    """Steps "B T D" and a pooled vector "B D", from a network that makes "S D" or "S D *space" of the steps "S *F".

    Entries that were not seen are a value of their channel that is learnt. Numbers of a step (`side`) join its vector through a
    linear map and relu; those of the row (`context`) follow the pooled vector. A row without steps is pooled to zeros.
    """

    causal: ClassVar[bool] = True  # no step sees another

    def __init__(self, net: nn.Module, width: int, spec: Spec, output: Output) -> None:
        super().__init__()
        self.net = net
        self.inside = None if output.inside == "mean" else Pool(output.inside, width, output.backward)
        width = width if self.inside is None else self.inside.width
        self.pool = Pool(output.pool, width)
        self.dropout = nn.Dropout(output.dropout)
        self.side_dropout, self.step_dropout = nn.Dropout(output.side_dropout), nn.Dropout(output.step_dropout)
        self.join = nn.Sequential(nn.Linear(width + spec.side, width), nn.ReLU()) if spec.side else None
        self.absent = nn.Parameter(torch.zeros(spec.shape[0], *[1] * (len(spec.shape) - 1))) if _may_lack(spec) else None
        self.context = spec.context
        self.map = output.map
        self.steps_width = width
        self.width = width + spec.context
        self.gives: frozenset[str] = frozenset({"pooled", "map" if output.map else "steps"})

    def forward(self, seq: Seq) -> Encoded:
        features = self.net(self._existing(seq))
        vectors = self._vectors(features)
        if self.join is not None:
            kept = self.side_dropout(torch.ones_like(seq.side[:, :1]))
            vectors = self.join(torch.cat([vectors, (seq.side * kept)[seq.mask]], 1))
        steps = spread(self.step_dropout(vectors), seq.mask)
        pooled = self.dropout(self.pool(steps, seq.mask))
        if self.context:
            pooled = torch.cat([pooled, seq.context], 1)
        return Encoded(spread(features, seq.mask) if self.map else steps, seq.mask, pooled)

    def _vectors(self, features: Tensor) -> Tensor:
        """One for each step, "S D"."""
        if features.dim() == 2:
            return features
        points = features.flatten(2)
        if self.inside is None:
            return points.mean(2)
        every = torch.ones(len(points), points.shape[2], dtype=torch.bool, device=points.device)
        return self.inside(points.transpose(1, 2), every)  # type: ignore[no-any-return]

    def _existing(self, seq: Seq) -> Tensor:
        values: Tensor = seq.values[seq.mask]
        if seq.seen is not None:
            values = values.where(seq.seen[seq.mask], 0.0 if self.absent is None else self.absent)
        return values


def _may_lack(spec: Spec) -> bool:
    """Waveforms may lack a lead; of an image every pixel is there, and its network has no weights but the published ones."""
    return len(spec.shape) == 2


def spread(vectors: Tensor, mask: Tensor) -> Tensor:
    """Steps "S *" put back where `mask` "B T" is True: "B T *", 0 elsewhere."""
    padded = vectors.new_zeros(mask.shape + vectors.shape[1:])
    return padded.index_put((mask,), vectors)


def refuse_other(spec: Spec, *shapes: str) -> None:
    """Raises ConfigError where a step is not of numbers with as many axes as one of `shapes`, such as "C H W", names."""
    if not spec.vocabulary and any(len(spec.shape) == len(shape.split()) for shape in shapes):
        return
    found = "codes" if spec.vocabulary else f"numbers of shape {spec.shape}"
    read = " or ".join(f"({', '.join(shape.split())})" for shape in shapes)
    raise ConfigError(
        f"each step of {spec.kind!r} is {found}; this encoder reads {read}",
        hint="images take cnn or resnet, waveforms resnet1d, codes and measurements a recurrent encoder",
    )
