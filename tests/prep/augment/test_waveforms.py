"""Changes of signals are what they say."""

from __future__ import annotations

import torch

from sequela.prep import augment
from sequela.types import Spec

WAVE = Spec("waveform", (2, 50), "seconds", ("I", "II"))


def test_noise_has_at_most_the_spread_asked_for(batch, generator):
    seq = batch(WAVE, rows=200)
    added = augment.build([{"name": "noise", "sd": 0.5}], WAVE)(seq, generator()).values - seq.values
    spread = added.std((1, 2, 3))
    assert spread.max() < 0.6 and 0.2 < spread.mean() < 0.3


def test_dropping_channels_always_leaves_one(batch, generator):
    seq = batch(WAVE, rows=100)
    for often in (0.5, 1.0):
        changed = augment.build([{"name": "channel_drop", "often": often}], WAVE)(seq, generator()).values
        left = changed.abs().amax(-1) > 0
        assert left.any(-1).all() and not left.all()
    assert (left.sum(-1) == 1).all()


def test_a_waveform_is_shifted_by_whole_samples_exactly(batch):
    seq = batch(WAVE)
    changed = augment.build(["shift"], WAVE).apply(seq, (torch.full((6, 1), 3 / 49),)).values
    torch.testing.assert_close(changed[..., :-3], seq.values[..., 3:], atol=1e-4, rtol=0)
    torch.testing.assert_close(changed[..., -3:], seq.values[..., -1:].expand(6, 1, 2, 3), atol=1e-4, rtol=0)


def test_warped_time_never_runs_backward_and_keeps_its_ends(of, generator):
    ramp = torch.linspace(0, 1, 50).expand(200, 1, 2, 50)
    changed = augment.build([{"name": "time_warp", "by": 0.2}], WAVE)(of(ramp), generator()).values
    speed = changed.diff(dim=-1) * 49
    assert 0.79 < speed.min() < 0.95 and 1.05 < speed.max() < 1.21
    torch.testing.assert_close(changed[..., [0, -1]], ramp[..., [0, -1]], atol=1e-5, rtol=0)
