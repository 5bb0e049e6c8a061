"""What is told of the steps that a row judges: when each was, which class it is, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sequela.contracts import Evidence
from sequela.study import steps
from sequela.types import Answer, Cohort


def told(names: Sequence[str], rows: Evidence, cohort: Cohort, answer: Answer) -> list[list[dict[str, Any]]]:
    """Of each row its steps, in order: `time` in UTC to the millisecond, `decision`, `probabilities` by name."""
    ((name, ragged),) = rows.inputs.items()
    tags = rows.target.dense
    moments = steps.cohort(cohort, tags, ragged, rows.specs[name]).start.astype("datetime64[ms]")
    found: list[list[dict[str, Any]]] = [[] for _ in range(len(cohort))]
    for row, moment, values in zip(tags.row, moments, answer.values, strict=True):
        chances = dict(zip(names, map(float, values), strict=True))
        time = None if np.isnat(moment) else f"{moment}Z"
        found[row].append({"time": time, "decision": max(chances, key=chances.__getitem__), "probabilities": chances})
    return found
