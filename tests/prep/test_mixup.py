"""Mixup: mixtures are in proportion, and so are their losses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.errors import ConfigError
from sequela.prep import mixup
from sequela.types import Seq, Spec, Target

IMAGE = Spec("image", (1, 4, 4), "days", ("grey",), single=True)


def pictures(rows=64, there=None):
    values = torch.arange(float(rows)).reshape(rows, 1, 1, 1, 1).expand(rows, 1, 1, 4, 4)
    mask = torch.ones(rows, 1, dtype=torch.bool) if there is None else there
    return Seq(values * mask.reshape(rows, 1, 1, 1, 1), mask, torch.zeros(rows, 1, dtype=torch.float64))


def drawn(inputs, alpha=0.4, seed=0):
    return mixup.drawn(inputs, alpha, np.random.default_rng(seed))


def test_a_mixed_row_is_so_much_itself_and_the_rest_its_partner():
    seq = pictures()
    mixture = drawn({"xray": seq})
    mixed = mixup.mixed(seq, mixture).values[:, 0, 0, 0, 0]
    own = torch.arange(64.0)
    torch.testing.assert_close(mixed, own * mixture.share + own[mixture.partner] * (1 - mixture.share))
    assert sorted(mixture.partner.tolist()) == list(range(64))
    assert ((mixture.share >= 0) & (mixture.share <= 1)).all() and mixture.share.std() > 0.1


def test_the_smaller_alpha_the_less_is_mixed():
    little, much = (drawn({"xray": pictures(4000)}, alpha).share for alpha in (0.1, 2.0))
    assert (little - 0.5).abs().mean() > 0.4 > 0.25 > (much - 0.5).abs().mean()
    torch.testing.assert_close(much.mean(), torch.tensor(0.5), atol=0.02, rtol=0)


def test_the_same_seed_mixes_alike():
    first, again, other = (drawn({"xray": pictures()}, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.share, again.share) and torch.equal(first.partner, again.partner)
    assert not torch.equal(first.partner, other.partner)


def test_rows_of_which_one_lacks_a_picture_are_not_mixed():
    there = torch.arange(64)[:, None] % 3 > 0
    mixture = drawn({"age": pictures(), "xray": pictures(there=there)})
    unlike = there[:, 0] != there[mixture.partner, 0]
    assert unlike.any() and (mixture.share[unlike] == 1).all() and (mixture.share[~unlike] < 1).any()
    assert not mixup.mixed(pictures(there=there), mixture).values[~there[:, 0]].any()


def test_the_loss_of_both_labels_in_proportion_is_that_of_the_mixed_label():
    logits = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))
    label = torch.arange(64) % 5
    mixture = drawn({"xray": pictures()})
    entropy = torch.nn.functional.cross_entropy
    target = Target(label[:, None], torch.ones(64, 1, dtype=torch.bool), tuple("abcde"))
    other = mixup.partners(target, mixture).values[:, 0]
    parts = entropy(logits, label, reduction="none") * mixture.share
    parts = parts + entropy(logits, other, reduction="none") * (1 - mixture.share)
    soft = mixture.of(torch.nn.functional.one_hot(label, 5).float())
    torch.testing.assert_close(parts, entropy(logits, soft, reduction="none"))


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(ConfigError, match="'segment'"):
        mixup.check("segment", {"scan": IMAGE})
    with pytest.raises(ConfigError, match=r"inputs\.visits \(codes\)"):
        mixup.check("binary", {"xray": IMAGE, "visits": Spec("codes", (), "days", vocabulary=9)})
    mixup.check("multilabel", {"xray": IMAGE, "age": Spec("static", (3,), "days")})
