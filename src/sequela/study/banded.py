"""A number as the class that it falls into, between the cuts that a study names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sequela.errors import ConfigError
from sequela.study.labels import TargetKind
from sequela.types import Array, Target


def classes(values: Array, known: Array, cuts: Sequence[float], kind: TargetKind = "multiclass") -> Target:
    """The classes of N numbers, where known: from a cut on a number belongs to the class above it.

    binary: one cut, and the event is to lie above it.
    """
    edges = [f"{edge:g}" for edge in cuts]
    names = (f"<{edges[0]}", *(f"{low}-{high}" for low, high in pairwise(edges)), f">={edges[-1]}")
    place = np.searchsorted(cuts, np.where(known, values, 0.0), side="right").astype(float)
    return Target(np.where(known, place, 0.0)[:, None], known[:, None], names[1:] if kind == "binary" else names)


def check(cuts: Sequence[float], kind: TargetKind) -> None:
    """Raises ConfigError for cuts that do not rise, or do not fit the kind of question."""
    if sorted(set(cuts)) != list(cuts):
        raise ConfigError("outcome.cuts do not rise", hint="write them from low to high, each once")
    if kind not in ("binary", "multiclass"):
        raise ConfigError(f"outcome.cuts make classes of a number, and a {kind} outcome has none")
    if kind == "binary" and len(cuts) > 1:
        raise ConfigError(
            f"a binary outcome has one cut, outcome.cuts has {len(cuts)}", hint='the task "multiclass" takes several'
        )
