"""What fairlearn, scikit-learn and statsmodels say of groups, likelihood ratios, calibration and McNemar, for tests/evaluate.

    python tests/golden/fairness.py

writes fairness.json: made with fairlearn 0.15.0, scikit-learn 1.9.1, statsmodels (version in the file) and NumPy 2.4.6.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    equalized_odds_ratio,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from sklearn.calibration import calibration_curve
from sklearn.metrics import class_likelihood_ratios, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

FILE = Path(__file__).with_suffix(".json")
COUNT, CUT = 600, 0.3


def rows():
    random = np.random.default_rng(11)
    group = random.choice(["A", "B", "C"], COUNT, p=[0.5, 0.3, 0.2])
    event = random.random(COUNT) < np.where(group == "A", 0.25, 0.4)
    score = random.normal(size=COUNT) + 1.2 * event + 0.3 * (group == "B")
    risk = np.round(1 / (1 + np.exp(-(1.1 * score - 1.2))), 6)
    other = np.round(np.clip(risk + random.normal(0, 0.15, COUNT), 0.001, 0.999), 6)
    return group, event, risk, other


def recalibrated(risk, event):
    logits = np.log(risk / (1 - risk))
    both = sm.GLM(event.astype(float), sm.add_constant(logits), family=sm.families.Binomial()).fit(tol=1e-12)
    large = sm.GLM(event.astype(float), np.ones((len(event), 1)), family=sm.families.Binomial(), offset=logits).fit(tol=1e-12)
    return {"slope": float(both.params[1]), "intercept": float(large.params[0])}


def main():
    group, event, risk, other = rows()
    called, second = risk >= CUT, other >= CUT
    frame = MetricFrame(
        metrics={"selection_rate": selection_rate, "sensitivity": true_positive_rate, "false_positive_rate": false_positive_rate},
        y_true=event,
        y_pred=called,
        sensitive_features=group,
    )
    given = {"sensitive_features": group}
    ratios = class_likelihood_ratios(event, called)
    table = [[int(((called == event) & (second == event)).sum()), int(((called == event) & (second != event)).sum())]]
    table.append([int(((called != event) & (second == event)).sum()), int(((called != event) & (second != event)).sum())])
    exact, chi = mcnemar(table, exact=True), mcnemar(table, exact=False, correction=False)
    observed, foreseen = calibration_curve(event, risk, n_bins=10, strategy="quantile")
    low, high = proportion_confint(int((called & event).sum()), int(event.sum()), method="wilson")
    found = {
        "versions": {name: version(name) for name in ("fairlearn", "scikit-learn", "statsmodels", "numpy")},
        "cut": CUT,
        "group": group.tolist(),
        "event": event.astype(int).tolist(),
        "risk": risk.tolist(),
        "other": other.tolist(),
        "by_group": {name: {level: float(value) for level, value in frame.by_group[name].items()} for name in frame.by_group},
        "auroc": {level: float(roc_auc_score(event[group == level], risk[group == level])) for level in "ABC"},
        "calibration": {level: recalibrated(risk[group == level], event[group == level]) for level in "ABC"},
        "equalised_odds_difference": float(equalized_odds_difference(event, called, **given)),
        "equalised_odds_ratio": float(equalized_odds_ratio(event, called, **given)),
        "selection_rate_difference": float(demographic_parity_difference(event, called, **given)),
        "selection_rate_ratio": float(demographic_parity_ratio(event, called, **given)),
        "likelihood_ratios": [float(one) for one in ratios],
        "mcnemar": {"table": table, "exact_p": float(exact.pvalue), "chi_square": float(chi.statistic), "p": float(chi.pvalue)},
        "calibration_curve": {"observed": observed.tolist(), "foreseen": foreseen.tolist()},
        "wilson_of_sensitivity": [float(low), float(high)],
    }
    FILE.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
