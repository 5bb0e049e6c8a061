"""Random batches and shapes that can be told apart, for the tests of augmentation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sequela.types import Seq, Spec


def seq_of(values: torch.Tensor) -> Seq:
    """Values "B T *F", every step there."""
    rows, steps = values.shape[:2]
    return Seq(values, torch.ones(rows, steps, dtype=torch.bool), torch.zeros(rows, steps, dtype=torch.float64))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_batch(spec: Spec, rows: int = 6, steps: int = 1, seed: int = 0) -> Seq:
    return seq_of(torch.randn(rows, steps, *spec.shape, generator=seeded(seed)))


def ellipsoids(shape: tuple[int, ...], rows: int = 4) -> torch.Tensor:
    """Bool "B *S": inside of an ellipsoid off the centre, with sides of their own, so that no mirroring leaves it in place."""
    axes = torch.meshgrid(*((torch.arange(size) + 0.5) / size for size in shape), indexing="ij")
    centre, radius = [0.45, 0.56, 0.6][-len(shape) :], [0.28, 0.24, 0.18][-len(shape) :]
    away = sum(((axis - c) / r).square() for axis, c, r in zip(axes, centre, radius, strict=True))
    assert isinstance(away, torch.Tensor)
    return (away < 1).expand(rows, *shape).clone()


@pytest.fixture
def of() -> Callable[[torch.Tensor], Seq]:
    return seq_of


@pytest.fixture
def generator() -> Callable[..., torch.Generator]:
    return seeded


@pytest.fixture
def batch() -> Callable[..., Seq]:
    return random_batch


@pytest.fixture
def blobs() -> Callable[..., torch.Tensor]:
    return ellipsoids
