"""Rows that are hardly different: an explanation that changes with them says more of chance than of the patient.

Numbers get noise of a share of their spread over the rows; of codes and words a share is taken away, since there is no code that
lies near another one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sequela import seed as streams
from sequela.contracts import Evidence
from sequela.explain.checks.cells import cells_seen, without
from sequela.types import Array, Ragged

NOISE = 0.05  # spreads of a number
GONE = 0.02  # share of codes or words


def disturbed(rows: Evidence, seed: int) -> Evidence:
    """Rows that were laid out, hardly different; they have the same steps."""
    found = rows
    for name, ragged in rows.inputs.items():
        random, spec = streams.generator(seed, "disturbed", name), rows.specs[name]
        if spec.vocabulary:
            some = random.random(cells_seen(ragged, spec).shape) < GONE
            found = without(found, {name: some})
        else:
            found = replace(found, inputs={**found.inputs, name: _noisy(ragged, cells_seen(ragged, spec), random)})
    return found


def _noisy(ragged: Ragged, seen: Array, random: np.random.Generator) -> Ragged:
    values = np.asarray(ragged.values)
    noise = random.standard_normal(values.shape, np.float32) * (NOISE * spread(values, seen)).astype(np.float32)
    return replace(ragged, values=np.where(seen, values + noise, values).astype(values.dtype))


def spread(values: Array, seen: Array) -> Array:
    """The standard deviation of what was seen, over steps: "F" of steps (F,), "C 1…" of windows and pictures of C channels."""
    axes = (0, *range(2, values.ndim))
    count = np.maximum(seen.sum(axes, keepdims=True), 1)
    mean = np.where(seen, values, 0).sum(axes, keepdims=True, dtype=np.float64) / count
    square = np.where(seen, (values - mean) ** 2, 0).sum(axes, keepdims=True) / count
    return np.asarray(np.sqrt(square)[0])
