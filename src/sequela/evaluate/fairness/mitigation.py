"""What is done about a gap, and what it costs: the same numbers with and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sequela import config
from sequela.evaluate import threshold
from sequela.evaluate.fairness.facts import SideFacts
from sequela.evaluate.fairness.found import suppressed
from sequela.metrics.calibration import observed_expected
from sequela.metrics.discrimination import auroc
from sequela.metrics.probability import brier
from sequela.metrics.threshold import sensitivity, specificity
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Risks:
    """The rows of a part whose outcome is known, with one model's risks."""

    part: str
    risk: Array  # float64 "n"
    event: Array  # bool "n"
    group: Array  # str "n"

    def shown(self, settings: config.Evaluate) -> list[Array]:
        """The rows (bool "n") of each group that is not suppressed."""
        each = [self.group == level for level in np.unique(self.group)]
        return [rows for rows in each if not suppressed(int(rows.sum()), int(self.event[rows].sum()), settings)]


def side(name: str, rows: Risks, cut: Array | float, settings: config.Evaluate) -> SideFacts:
    """One side of the comparison; `cut` is the threshold of all rows, or of each."""
    called = rows.risk >= cut
    groups = rows.shown(settings)
    found = [float(sensitivity(called[of], rows.event[of])) for of in groups]
    passed = [float(specificity(called[of], rows.event[of])) for of in groups]
    expected = [float(observed_expected(rows.risk[of], rows.event[of])) for of in groups]
    return SideFacts(
        side=name,
        part=rows.part,
        rows=len(rows.risk),
        auroc=_plain(auroc(rows.risk, rows.event)),
        brier=_plain(brier(rows.risk, rows.event)),
        sensitivity=_plain(sensitivity(called, rows.event)),
        specificity=_plain(specificity(called, rows.event)),
        sensitivity_gap=max(found) - min(found) if len(found) > 1 else None,
        specificity_gap=max(passed) - min(passed) if len(passed) > 1 else None,
        observed_expected_gap=max(expected) / min(expected) if len(expected) > 1 and min(expected) > 0 else None,
    )


def _plain(value: Array) -> float | None:
    return None if np.isnan(value) else float(value)


def group_thresholds(tune: Risks, cut: float, settings: config.Evaluate) -> dict[str, float]:
    """For each group the threshold at which as large a share of its events is called as of everybody's at the common one.

    Chosen on tune (Hardt 2016, section 3, of one rate). Groups that are suppressed there keep the common threshold.
    """
    aim = float(sensitivity(tune.risk >= cut, tune.event))
    found = {}
    for level in np.unique(tune.group).tolist():
        rows = tune.group == level
        few = suppressed(int(rows.sum()), int(tune.event[rows].sum()), settings)
        found[level] = cut if few else threshold.choose(tune.risk[rows], tune.event[rows], f"sensitivity={aim}")
    return found


def cuts(group: Array, thresholds: Mapping[str, float], common: float) -> Array:
    """The threshold of each row; the common one for a group that tune does not have."""
    return np.array([thresholds.get(level, common) for level in group.tolist()])
