"""What scikit-survival and lifelines say of rows that were watched for a while, for tests/metrics.

    python tests/golden/survival.py

writes survival.json: made with scikit-survival 0.28.0, lifelines 0.30.3 and NumPy 2.4.6. Times of events and of the ends of
observation are never the same: of such ties the packages differ (here events come first).
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.utils import concordance_index
from sksurv.metrics import (
    brier_score,
    concordance_index_censored,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
)
from sksurv.nonparametric import CensoringDistributionEstimator, cumulative_incidence_competing_risks

FILE = Path(__file__).with_suffix(".json")
DAYS = (5.0, 15.0, 30.0)
COUNT = 80


def watched(seed, causes):
    """Rows whose events have whole times, some of them tied, while observation ends at a quarter past; and a risk of each."""
    random = np.random.default_rng(seed)
    risk = np.round(random.random(COUNT), 2)
    event = np.ceil(random.exponential(40 * (1.2 - risk)))
    lost = np.ceil(random.exponential(40, COUNT)) + 0.25
    cause = np.where(event < lost, random.integers(1, causes + 1, COUNT), 0)
    return np.minimum(event, lost), cause, risk


def structured(time, cause):
    return np.array(list(zip(cause > 0, time, strict=True)), dtype=[("event", bool), ("time", float)])


def concordance(seed):
    time, cause, risk = watched(seed, 1)
    rows, until = structured(time, cause), 40.5
    return {
        "time": time.tolist(),
        "cause": cause.tolist(),
        "risk": risk.tolist(),
        "until": until,
        "harrell": float(concordance_index_censored(cause > 0, time, risk)[0]),
        "lifelines": float(concordance_index(time, -risk, cause > 0)),
        "uno": float(concordance_index_ipcw(rows, rows, risk, tau=until)[0]),
    }


def horizons(seed):
    """A single cause: what scikit-survival says of exponential curves."""
    time, cause, risk = watched(seed, 1)
    rows, days = structured(time, cause), np.array(DAYS)
    curves = 1 - np.exp(-np.outer(0.06 * risk, days))
    grid = np.linspace(0, DAYS[-1], 101)[1:]
    fine = 1 - np.exp(-np.outer(0.06 * risk, grid))
    asked = grid > time.min()  # before anybody's time the score is the mean square of the risk
    scored = np.append(np.square(fine[:, ~asked]).mean(0), brier_score(rows, rows, 1 - fine[:, asked], grid[asked])[1])
    return {
        "time": time.tolist(),
        "cause": cause.tolist(),
        "risk": risk.tolist(),
        "brier": brier_score(rows, rows, 1 - curves, days)[1].tolist(),
        "auc": [float(cumulative_dynamic_auc(rows, rows, curves[:, k], [day])[0][0]) for k, day in enumerate(DAYS)],
        "integrated": float(np.trapezoid(np.append(0.0, scored), np.append(0.0, grid)) / DAYS[-1]),
    }


def curves(seed):
    """Two causes: who is free of both, and the cumulative incidence of each; late entries are lifelines'."""
    time, cause, risk = watched(seed, 2)
    late = np.where(risk < 0.4, np.floor(time * risk), 0.0)
    distinct, incidence = cumulative_incidence_competing_risks(cause, time)
    place = np.searchsorted(distinct, DAYS, side="right") - 1
    free = KaplanMeierFitter().fit(time, cause > 0)
    entered = KaplanMeierFitter().fit(time, cause > 0, entry=late)
    kept = CensoringDistributionEstimator().fit(structured(time, cause))
    return {
        "time": time.tolist(),
        "cause": cause.tolist(),
        "entry": late.tolist(),
        "incidence": incidence[1:, place].tolist(),
        "free": [float(value) for value in free.predict(DAYS)],
        "free_late": [float(value) for value in entered.predict(DAYS)],
        "kept": kept.predict_proba(np.array(DAYS)).tolist(),
    }


def main():
    made = {name: version(name) for name in ("scikit-survival", "lifelines", "numpy")}
    told = {"concordance": concordance, "horizons": horizons, "curves": curves}
    FILE.write_text(json.dumps({"made": made, "days": DAYS, **{k: {str(s): f(s) for s in range(3)} for k, f in told.items()}}))


if __name__ == "__main__":
    main()
