"""Metrics of classes that were gathered into fewer: by names of their own, since both stand in one table."""

from __future__ import annotations

from sequela.metrics import segments, threshold
from sequela.types import Array


def gathered_accuracy(decision: Array, truth: Array, weights: Array | None = None) -> Array:
    """The share of rows (places among the fewer classes) that are right."""
    return threshold.accuracy(decision, truth, weights)


def gathered_sov(each: Array, weights: Array | None = None) -> Array:
    """The mean segment overlap of sequences, "R"."""
    return segments.sov(each, weights)
