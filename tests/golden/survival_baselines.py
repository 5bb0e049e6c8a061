"""What lifelines and scikit-survival say of small made-up cohorts, for tests/baselines/test_cox.py and its neighbours.

    python tests/golden/survival_baselines.py

writes survival_baselines.json, with the versions that made it. Effects of Cox's model with Efron's ties, from the start and with
late entries, are lifelines'; with a ridge penalty (penalty / 2 * |b|^2 beside the sum of the log-likelihood, its alpha),
scikit-survival's; so is the cumulative hazard where nothing is tied (Breslow's, which then is Efron's), and the incidence by
Aalen and Johansen. With SEQUELA_DATA set it also keeps the concordance of scikit-survival's random survival forest on fifths of
the training parts of METABRIC and SUPPORT of DeepSurv: the test parts are left alone.
"""

from __future__ import annotations

import json
import os
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

FILE = Path(__file__).with_suffix(".json")
FILES = {
    "metabric": "deepsurv_metabric_IHC4_clinical_train_test.h5",
    "support": "deepsurv_support_train_test.h5",
}


def cohort(seed, rows=200, ties=True):
    """Features, times, causes (0, 1, 2) and entries; whole days where there are ties."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 3))
    rate = np.exp(features @ np.array([[0.8, 0.0], [-0.5, 0.4], [0.0, -0.6]])) / np.array([60.0, 120.0])
    each = random.exponential(1 / rate)
    watched = random.uniform(10, 120, rows)
    time = np.minimum(each.min(1), watched)
    cause = np.where(each.min(1) <= watched, each.argmin(1) + 1, 0)
    time = np.ceil(time / 5) * 5 if ties else time + 1e-3
    entry = np.where(random.random(rows) < 0.4, random.uniform(0, 0.9, rows) * time, 0.0)
    entry = np.floor(entry) if ties else entry
    return features, time, cause, entry


def cox(features, time, cause, entry=None):
    from lifelines import CoxPHFitter

    frame = pd.DataFrame(features, columns=list("abc")).assign(time=time, event=cause == 1)
    told = {} if entry is None else {"entry_col": "entry"}
    frame = frame if entry is None else frame.assign(entry=entry)
    fitted = CoxPHFitter().fit(frame, "time", "event", fit_options={"precision": 1e-10}, **told)
    return {"effects": fitted.params_.tolist(), "log_likelihood": fitted.log_likelihood_}


def ridge(features, time, cause, alpha):
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    model = CoxPHSurvivalAnalysis(alpha=alpha, ties="efron", tol=1e-12, n_iter=500)
    return model.fit(features, Surv.from_arrays(cause == 1, time)).coef_.tolist()


def cumulative(features, time, cause):
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    found = CoxPHSurvivalAnalysis(ties="efron", tol=1e-12, n_iter=500).fit(features, Surv.from_arrays(cause == 1, time))
    at = [10.0, 30.0, 60.0]
    return {"at": at, "hazard": found.cum_baseline_hazard_(np.array(at)).tolist()}


def incidence(time, cause):
    from sksurv.nonparametric import cumulative_incidence_competing_risks

    at, found = cumulative_incidence_competing_risks(cause, time)
    return {"at": at.tolist(), "incidence": found[1:].tolist()}


def survival(time, cause, entry):
    from lifelines import KaplanMeierFitter

    found = KaplanMeierFitter().fit(time, cause > 0, entry=entry)
    at = np.arange(20.0, 100.0, 5.0)
    return {"at": at.tolist(), "survival": found.predict(at).tolist()}


def forests(folder):
    import h5py
    from sksurv.ensemble import RandomSurvivalForest
    from sksurv.metrics import concordance_index_censored
    from sksurv.util import Surv

    said = {}
    for name, file in FILES.items():
        with h5py.File(folder / file) as held:
            x, time, event = (held["train"][key][:] for key in "xte")
        fifth = np.arange(len(x)) % 5 == 0
        forest = RandomSurvivalForest(100, min_samples_leaf=15, random_state=0, low_memory=True)
        forest.fit(x[~fifth], Surv.from_arrays(event[~fifth] == 1, time[~fifth]))
        risk = forest.predict(x[fifth])
        said[name] = float(concordance_index_censored(event[fifth] == 1, time[fifth], risk)[0])
        print(name, said[name])
    return said


def main():
    warnings.simplefilter("ignore")
    features, time, cause, entry = cohort(0)
    smooth = cohort(1, ties=False)
    said = {
        "versions": {name: version(name) for name in ("lifelines", "scikit-survival", "numpy")},
        "tied": cox(features, time, cause),
        "late": cox(features, time, cause, entry),
        "ridge": {"penalty": 20.0, "effects": ridge(features, time, cause, 20.0)},
        "cumulative": cumulative(*smooth[:3]),
        "incidence": incidence(time, cause),
        "late_survival": survival(time, cause, entry),
        "data": {"tied": _written(features, time, cause, entry), "smooth": _written(*smooth)},
    }
    if os.environ.get("SEQUELA_DATA"):
        said["forest"] = forests(Path(os.environ["SEQUELA_DATA"]) / "survival")
    FILE.write_text(json.dumps(said))


def _written(features, time, cause, entry):
    return {"features": features.tolist(), "time": time.tolist(), "cause": cause.tolist(), "entry": entry.tolist()}


if __name__ == "__main__":
    main()
