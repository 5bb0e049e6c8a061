"""What lifelines says of Cox models with ties, for tests/nn/survival/test_efron.py.

    python tests/golden/cox.py

writes cox.json: made with lifelines 0.30.3 (Efron's ties, late entry) and NumPy. Of each case lifelines fits coefficients; kept
are its log partial likelihood there, and its baseline cumulative hazard where no row is tied or late (its baseline is Breslow's,
ties or not, where ours is Efron's, and has late rows at risk before they entered).
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

FILE = Path(__file__).with_suffix(".json")
CASES = ("apart", "tied", "late", "tied and late")


def rows(case):
    random = np.random.default_rng(CASES.index(case))
    count = 60
    covariates = random.normal(size=(count, 2))
    time = random.exponential(np.exp(-covariates @ [0.8, -0.5])) * 10 + 1
    time = np.ceil(time) if "tied" in case else time
    entry = np.where(random.random(count) < 0.4, time * random.random(count) * 0.8, 0.0) if "late" in case else np.zeros(count)
    return covariates, time, entry, random.random(count) < 0.7


def said(case):
    covariates, time, entry, event = rows(case)
    frame = pd.DataFrame({"a": covariates[:, 0], "b": covariates[:, 1], "time": time, "event": event})
    late = "entry" if "late" in case else None
    frame = frame.assign(entry=entry) if late else frame
    fitted = CoxPHFitter().fit(frame, "time", "event", entry_col=late, fit_options={"precision": 1e-10})
    baseline = fitted.baseline_cumulative_hazard_.iloc[:, 0]
    shift = float(np.exp(-fitted.params_ @ fitted._norm_mean))  # lifelines tells it for the mean row
    return {
        "covariates": covariates.tolist(),
        "time": time.tolist(),
        "entry": entry.tolist(),
        "event": event.tolist(),
        "coefficients": fitted.params_.tolist(),
        "log_likelihood": float(fitted.log_likelihood_),
        "baseline": {"time": baseline.index.tolist(), "hazard": (baseline * shift).tolist()} if case == "apart" else None,
    }


def main():
    found = {"made_with": {name: version(name) for name in ("lifelines", "numpy")}}
    FILE.write_text(json.dumps(found | {case: said(case) for case in CASES}) + "\n")


if __name__ == "__main__":
    main()
