"""Test-time augmentation: every view once, exact, and refused where a picture cannot be seen so."""

from __future__ import annotations

import pytest
import torch

from sequela.errors import ConfigError
from sequela.prep.augment.views import views
from sequela.types import Spec

SQUARE = Spec("image", (1, 8, 8), "days", ("grey",), single=True)
WIDE = Spec("image", (1, 8, 12), "days", ("grey",), single=True)
VOLUME = Spec("image", (1, 4, 8, 8), "days", ("t1",), single=True)


@pytest.mark.parametrize(
    ("sides", "spec", "count"),
    [
        ([], WIDE, 1),
        (["horizontal"], WIDE, 2),
        (["horizontal", "vertical"], WIDE, 4),
        (["quarter"], SQUARE, 4),
        (["vertical", "quarter"], SQUARE, 8),
        (["horizontal", "vertical", "quarter"], SQUARE, 8),
        (["depth", "horizontal", "vertical", "quarter"], VOLUME, 16),
    ],
)
def test_each_view_is_there_once_and_together_they_are_closed(sides, spec, count, batch):
    seq = batch(spec, rows=1)
    seen = views(sides, spec)
    pictures = {tuple(view(seq).values.flatten().tolist()) for view in seen}
    assert len(seen) == len(pictures) == count
    assert torch.equal(seen[0](seq).values, seq.values)
    turned = seen[-1](seq)
    assert {tuple(view(turned).values.flatten().tolist()) for view in seen} == pictures


@pytest.mark.parametrize(
    ("sides", "spec", "said"),
    [
        (["depth"], SQUARE, "depth"),
        (["quarter"], WIDE, "8 × 12"),
        (["horizontal", "horizontal"], WIDE, "twice"),
        (["horizontal"], Spec("image", (12,), "index"), "no picture"),
        (["horizontal"], Spec("measurements", (3,), "days"), "no picture"),
    ],
)
def test_a_side_that_a_picture_does_not_have_is_refused(sides, spec, said):
    with pytest.raises(ConfigError, match=said):
        views(sides, spec)
