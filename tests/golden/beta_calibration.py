"""Writes beta_calibration.json: maps of beta calibration by betacal, the package of its authors. Run where it is installed.

python -m venv ENV && ENV/bin/pip install betacal && ENV/bin/python tests/golden/beta_calibration.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from betacal import BetaCalibration


def rows(seed: int, a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Risks in thousandths that are wrong at both ends, and outcomes."""
    random = np.random.default_rng(seed)
    risk = np.round(random.beta(0.7, 1.4, 400) * 0.998 + 0.001, 3)
    logits = a * np.log(risk) - b * np.log1p(-risk) + 0.4
    return risk, random.random(400) < 1 / (1 + np.exp(-logits))


def mapped(seed: int, a: float, b: float) -> dict[str, object]:
    risk, event = rows(seed, a, b)
    fitted = BetaCalibration(parameters="abm").fit(risk.reshape(-1, 1), event)
    asked = np.round(np.linspace(0.01, 0.99, 15), 3)
    told = fitted.predict(asked)
    return {"risk": risk.tolist(), "event": event.astype(int).tolist(), "asked": asked.tolist(), "told": told.tolist()}


if __name__ == "__main__":
    versions = {name: version(name) for name in ("betacal", "scikit-learn", "numpy")}
    cases = [mapped(0, 1.6, 0.5), mapped(1, 0.4, 2.0), mapped(2, -0.6, 1.5)]
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n", encoding="utf-8")
