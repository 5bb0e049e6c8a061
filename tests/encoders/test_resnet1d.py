"""The residual network over windows: its arithmetic, side numbers, leads that are absent."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from sequela.config import convert
from sequela.encoders import resnet1d
from sequela.errors import ConfigError
from sequela.nn import stepwise
from sequela.types import Seq, Spec

WINDOWS = Spec("waveform", (2, 50), "seconds")
WITH_RR = Spec("waveform", (2, 50), "seconds", side=3)


def built(spec: Spec = WINDOWS, **options: object) -> stepwise.Stepwise:
    torch.manual_seed(0)
    return resnet1d.build(spec, convert({"width": 4, "blocks": [1, 1], "kernel": 5} | options, resnet1d.Config))


def sequence(spec: Spec, mask: list[list[bool]], seed: int = 0) -> Seq:
    known = torch.tensor(mask)
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(*known.shape, *spec.shape, generator=generator)
    side = torch.randn(*known.shape, spec.side, generator=generator) if spec.side else None
    return Seq(values, known, torch.zeros(known.shape, dtype=torch.float64), side=side)


def plain_norm(values: torch.Tensor, norm: nn.Module) -> torch.Tensor:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return values * scale.view(1, -1, 1) + (norm.bias - norm.running_mean * scale).view(1, -1, 1)


def test_it_computes_what_plain_operations_do() -> None:
    encoder = built(WITH_RR, blocks=[1]).eval()
    for tensor in encoder.state_dict().values():
        if tensor.is_floating_point() and tensor.dim() == 1:
            tensor.uniform_(0.5, 1.5)
    seq = sequence(WITH_RR, [[True], [True], [True]])
    stem, stem_norm, _, block = encoder.net.layers
    values = plain_norm(functional.conv1d(seq.values[:, 0], stem.weight, stride=2, padding=2), stem_norm).relu()
    one, one_norm, _, two, two_norm = block.body
    inner = plain_norm(functional.conv1d(values, one.weight, padding=2), one_norm).relu()
    values = (values + plain_norm(functional.conv1d(inner, two.weight, padding=2), two_norm)).relu()
    joined = torch.cat([values.mean(2), seq.side[:, 0]], 1)
    join = encoder.join[0]
    torch.testing.assert_close(encoder(seq).pooled, (joined @ join.weight.T + join.bias).relu(), rtol=1e-4, atol=1e-5)


def test_side_numbers_reach_their_own_step_alone() -> None:
    encoder = built(WITH_RR).eval()
    seq = sequence(WITH_RR, [[True, True, True]])
    changed = seq.side.clone()
    changed[0, 1] += 1.0
    before, after = encoder(seq).steps, encoder(Seq(seq.values, seq.mask, seq.position, side=changed)).steps
    torch.testing.assert_close(before[0, [0, 2]], after[0, [0, 2]])
    assert not torch.allclose(before[0, 1], after[0, 1])


def test_a_lead_that_was_not_seen_is_a_learnt_value() -> None:
    encoder = built()
    seq = sequence(WINDOWS, [[True], [True]])
    seen = torch.ones_like(seq.values, dtype=torch.bool)
    seen[1, 0, 1] = False  # the second lead of the second row
    hidden = Seq(seq.values.where(seen, torch.nan), seq.mask, seq.position, seen)
    encoder(hidden).pooled.square().sum().backward()
    assert encoder.absent.grad[1].abs() > 0
    assert encoder.absent.grad[0] == 0
    with torch.no_grad():
        encoder.absent[1] = 0.7
    filled = seq.values.clone()
    filled[1, 0, 1] = 0.7
    torch.testing.assert_close(encoder.eval()(hidden).pooled, encoder(Seq(filled, seq.mask, seq.position)).pooled)


@pytest.mark.parametrize("mask", [[[True]], [[False]]])
def test_a_batch_of_one_short_window_or_none_trains(mask: list[list[bool]]) -> None:
    spec = Spec("waveform", (1, 3), "seconds")
    encoder = built(spec, blocks=[1, 1, 1])  # one sample is left at the end
    encoder(sequence(spec, mask)).pooled.sum().backward()
    assert all(torch.isfinite(tensor).all() for tensor in encoder.state_dict().values())


def test_an_even_kernel_and_a_step_that_is_no_window_are_refused() -> None:
    with pytest.raises(ConfigError, match="odd number of samples"):
        built(kernel=4)
    with pytest.raises(ConfigError, match=r"this encoder reads \(C, L\)"):
        built(Spec("image", (1, 28, 28), "index"))


def test_inside_a_window_several_poolings_stand_side_by_side() -> None:
    encoder, seq = built(inside="mean+max").eval(), sequence(WINDOWS, [[True], [True]])
    features = encoder.net(seq.values[:, 0])
    torch.testing.assert_close(encoder(seq).pooled, torch.cat([features.mean(2), features.amax(2)], 1))
    with pytest.raises(ConfigError, match="there is no pooling 'median'"):
        built(inside="median")


def test_a_number_beside_the_windows_is_left_out_of_a_whole_row_in_training_alone() -> None:
    encoder, seq = built(WITH_RR, side_dropout=0.5), sequence(WITH_RR, [[True, True, True]] * 4)
    encoder.net.eval()
    read: list[torch.Tensor] = []
    assert encoder.join is not None
    encoder.join.register_forward_pre_hook(lambda _, given: read.append(given[0][:, -3:].reshape(4, 3, 3)))
    encoder(seq)
    share = read[0] / seq.side
    assert (share == share[:, :1]).all() and set(share.unique().tolist()) == {0.0, 2.0}
    encoder.eval()(seq)
    torch.testing.assert_close(read[1], seq.side)


def test_the_vectors_of_windows_are_dropped_in_training_alone() -> None:
    encoder, seq = built(WITH_RR, step_dropout=0.5), sequence(WITH_RR, [[True, True, True]] * 4)
    whole = encoder.eval()(seq).steps
    torch.testing.assert_close(whole, built(WITH_RR).eval()(seq).steps)
    encoder.train().net.eval()
    dropped = encoder(seq).steps
    assert (dropped == 0).float().mean() > (whole == 0).float().mean()
