"""What baselines are called beside the model."""

from __future__ import annotations

from typing import Any

import pytest

from sequela import config
from sequela.baselines._label import label


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("logistic", "baseline:logistic"),
        ({"name": "logistic", "columns": ["scan.mean"]}, "baseline:logistic:scan.mean"),
        ({"name": "boosting", "columns": ["*.mean", "AGE"], "rounds": 50}, "baseline:boosting:*.mean, AGE"),
        ({"name": "boosting", "rounds": 50}, "baseline:boosting"),
        ({"name": "score", "code": "SCORE//SOFA"}, "baseline:score:SCORE//SOFA"),
        ({"name": "observer", "code": "SECOND"}, "baseline:observer"),
    ],
)
def test_a_baseline_is_called_by_its_name_and_by_what_it_is_held_to(named: Any, expected: str) -> None:
    assert label(*config.options("baselines", named, "baselines.names")) == expected
