"""How a row of several labels, some missing, is balanced."""

from __future__ import annotations

import numpy as np

from sequela.tasks import multilabel
from sequela.types import Target


def test_a_row_weighs_the_mean_of_its_known_labels() -> None:
    task = multilabel.build(multilabel.Config(), ("effusion", "nodule"))
    values = np.array([[0, 0], [0, 1], [0, 0], [1, 1], [1, 0]], float)
    known = np.array([[True, True], [True, True], [True, False], [True, True], [False, False]])
    # effusion 3 : 1 weighs 2/3 and 2; nodule 1 : 2 weighs 3/2 and 3/4
    raw = np.array([(2 / 3 + 3 / 2) / 2, (2 / 3 + 3 / 4) / 2, 2 / 3, (2 + 3 / 4) / 2, 0])
    np.testing.assert_allclose(task.balance(Target(values, known, task.names)), raw / raw[:4].mean(), rtol=1e-6)
