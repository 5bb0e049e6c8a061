"""A feature's unit and its scaled values."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.prep import scale


@pytest.mark.parametrize("method", ["rank_gauss", "standard", "robust", "none"])
@pytest.mark.parametrize("clip", [0.0, 1.5])
def test_a_ruler_leads_from_the_unit_to_the_scaled_value_and_back(method: scale.Method, clip: float) -> None:
    values = np.random.default_rng(0).normal(50, 12, 2000)
    fitted = scale.fit(values, method, clip=clip)
    ruler = scale.ruler(fitted)
    inside = np.linspace(ruler.values[5], ruler.values[-5], 50)
    np.testing.assert_allclose(ruler.scale(inside), scale.apply(fitted, inside), atol=0.02)
    free = np.abs(ruler.scale(inside)) < (clip or np.inf)
    np.testing.assert_allclose(ruler.in_unit(ruler.scale(inside))[free], inside[free], rtol=1e-4)
    assert ruler.spread == pytest.approx(12, rel=0.05)


def test_a_ruler_ends_where_training_did_and_knows_whole_numbers() -> None:
    ruler = scale.ruler(scale.fit(np.repeat(np.arange(3.0, 16.0), 9), "rank_gauss"))
    assert ruler.whole and ruler.in_unit(np.array([-9.0, 9.0])).tolist() == [3.0, 15.0]
    assert not scale.ruler(scale.fit(np.array([0.5, 1.0]), "none")).whole
