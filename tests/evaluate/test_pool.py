"""Numbers of several splits as one."""

from __future__ import annotations

import numpy as np

from sequela.evaluate import pool
from sequela.evaluate.evaluation import Estimate
from sequela.evaluate.question import Question


def test_a_number_suppressed_in_one_split_and_undefined_in_the_other_is_undefined() -> None:
    question = Question("model", "brier", "", np.arange(3), lambda weights: np.full(4, np.nan), 0)
    suppressed = Estimate(question, "site=A", float("nan"), np.zeros(0), 3, "suppressed: 3 rows, 20 are needed")
    undefined = Estimate(question, "site=A", float("nan"), np.full(4, np.nan), 3, "")
    for each in ([suppressed, undefined], [undefined, suppressed]):
        told = pool.mean(each)
        assert np.isnan(told.point) and not len(told.samples) and len(told.question.rows) == 6
