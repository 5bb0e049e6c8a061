"""The U-Net: its size and arithmetic by hand, every size of picture, supervision at coarser levels, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from sequela.config import convert
from sequela.encoders import unet
from sequela.errors import ConfigError
from sequela.types import Encoded, Seq, Spec

PICTURE = Spec("image", (3, 32, 32), "index", single=True)
VOLUME = Spec("image", (1, 8, 32, 32), "index", single=True, spacing=(4.0, 1.0, 1.0))


def sequence(spec: Spec, rows: int = 2, seed: int = 0) -> Seq:
    values = torch.randn(rows, 1, *spec.shape, generator=torch.Generator().manual_seed(seed))
    return Seq(values, torch.ones(rows, 1, dtype=torch.bool), torch.zeros(rows, 1, dtype=torch.float64))


def built(spec: Spec = PICTURE, **options: object) -> unet.UNet:
    torch.manual_seed(0)
    return unet.build(spec, convert({"width": 4} | options, unet.Config))


def size(encoder: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in encoder.parameters())


def by_hand(channels: int, widths: list[int], dimensions: int) -> int:
    """Weights of convolutions of 3 without bias, scales and shifts of their norms, and transposed convolutions of 2."""

    def twice(narrow: int, wide: int) -> int:
        return 3**dimensions * (narrow * wide + wide * wide) + 4 * wide

    down = sum(twice(narrow, wide) for narrow, wide in zip([channels, *widths], widths, strict=False))
    up = sum(2**dimensions * low * wide + wide + twice(2 * wide, wide) for wide, low in pairwise(widths))
    return down + up


def test_it_has_as_many_parameters_as_counted_by_hand() -> None:
    assert size(built(width=16)) == by_hand(3, [16, 32, 64, 128], 2)
    cube = Spec("image", (1, 32, 32, 32), "index")
    assert size(built(cube, width=8, widest=20)) == by_hand(1, [8, 16, 20, 20], 3)


def test_with_the_published_widths_it_is_as_large_as_that_net_is() -> None:
    """Ronneberger 2015 with norms, colour and one class: 31,037,633 parameters, of which the last layer has 65."""
    with torch.device("meta"):
        encoder = unet.build(Spec("image", (3, 572, 572), "index"), unet.Config(width=64, widest=1024, levels=5))
    assert size(encoder) == 31_037_633 - 65


def normed(values: torch.Tensor, norm: torch.nn.Module) -> torch.Tensor:
    around = tuple(range(2, values.dim()))
    mean, variance = values.mean(around, keepdim=True), values.var(around, correction=0, keepdim=True)
    shape = (1, -1) + (1,) * len(around)
    return (values - mean) / (variance + 1e-5).sqrt() * norm.weight.view(shape) + norm.bias.view(shape)


def level_by_hand(values: torch.Tensor, level: torch.nn.Module, stride: int) -> torch.Tensor:
    one, one_norm, _, two, two_norm = level.layers
    values = functional.leaky_relu(normed(functional.conv2d(values, one.weight, stride=stride, padding=1), one_norm), 0.01)
    return functional.leaky_relu(normed(functional.conv2d(values, two.weight, padding=1), two_norm), 0.01)


def test_it_computes_way_down_and_way_up_as_plain_operations_do() -> None:
    spec = Spec("image", (1, 10, 9), "index", single=True)
    encoder, seq = built(spec), sequence(spec)
    for parameter in encoder.parameters():  # so that no norm is the identity
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, 0.5, 0.2)
    first = level_by_hand(seq.values[:, 0], encoder.down[0], 1)
    second = level_by_hand(first, encoder.down[1], 2)
    up = encoder.up[0]
    doubled = functional.conv_transpose2d(second, up.doubling.weight, up.doubling.bias, stride=2)[:, :, :10, :9]
    expected = level_by_hand(torch.cat([doubled, first], 1), up.level, 1)
    encoded = encoder(seq)
    torch.testing.assert_close(encoded.steps[:, 0], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoded.pooled, second.mean((2, 3)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 28), (2, 5, 7), (1, 37, 50), (1, 5, 30, 22), (2, 1, 1, 1), (1, 9, 8, 9)])
@pytest.mark.parametrize("residual", [False, True])
def test_a_map_is_as_large_as_its_picture_whatever_that_is(shape: tuple[int, ...], residual: bool) -> None:
    spec = Spec("image", shape, "index", single=True)
    encoder = built(spec, residual=residual, deep_supervision=True)
    encoded = encoder(sequence(spec))
    assert encoded.steps.shape == (2, 1, encoder.steps_width, *shape[1:])
    assert encoded.pooled.shape == (2, encoder.width)
    assert encoded.steps.isfinite().all()


def test_slices_far_apart_are_read_one_by_one_at_the_finest_level() -> None:
    encoder = built(VOLUME, levels=1).eval()
    seq = sequence(VOLUME)
    changed = replace(seq, values=seq.values.clone())
    changed.values[0, 0, 0, 5] += 1.0
    flat = encoder.down[0].layers[0]
    assert flat.kernel_size == (1, 3, 3)
    difference = (flat(seq.values[:, 0]) != flat(changed.values[:, 0])).flatten(3).any(3).any(1)[0]
    assert difference.nonzero().flatten().tolist() == [5]


@pytest.mark.parametrize(("stride", "width"), [(1, 4), (2, 8), (4, 16)])
def test_a_coarser_map_ends_the_way_up_there(stride: int, width: int) -> None:
    encoder = built(stride=stride)
    encoded = encoder(sequence(PICTURE))
    assert encoded.steps.shape == (2, 1, width, 32 // stride, 32 // stride)
    assert encoder.steps_width == width
    assert len(encoder.down[0].layers) == (5 if stride == 1 else 2)


def test_training_with_deep_supervision_gives_coarser_maps_of_one_width() -> None:
    encoder, seq = built(deep_supervision=True), sequence(PICTURE)
    encoded: Encoded = encoder(seq)
    assert [tuple(one.shape) for one in encoded.coarser] == [(2, 1, 4, 16, 16), (2, 1, 4, 8, 8)]
    sum(one.square().sum() for one in encoded.coarser).backward()
    assert all(layer.weight.grad is not None for layer in encoder.coarser)
    assert encoder.eval()(seq).coarser == ()
    assert built()(seq).coarser == ()


def test_a_residual_level_adds_to_its_input_brought_to_its_shape() -> None:
    level = built(residual=True).down[1]
    values = torch.randn(2, 4, 9, 9)
    added = level.layers(values) + level.shortcut(values)
    torch.testing.assert_close(level(values), functional.leaky_relu(added, 0.01))


def test_every_norm_answers_and_a_picture_that_is_not_there_is_zeros() -> None:
    for norm in ("instance", "batch", "group"):
        encoder, seq = built(norm=norm).eval(), sequence(PICTURE, 3)
        seq.mask[1] = False
        encoded = encoder(seq)
        assert (encoded.steps[1] == 0).all()
        assert (encoded.pooled[1] == 0).all()
        assert encoded.steps[0].abs().sum() > 0


def test_points_that_were_not_seen_do_not_matter() -> None:
    seq = sequence(PICTURE)
    seen = torch.rand(seq.values.shape, generator=torch.Generator().manual_seed(2)) > 0.3
    hidden, zeroed = replace(seq, values=seq.values.where(seen, torch.nan), seen=seen), seq.values.where(seen, 0.0)
    encoder = built().eval()
    torch.testing.assert_close(encoder(hidden).steps, encoder(replace(seq, values=zeroed)).steps)


def test_too_many_levels_a_stride_without_levels_and_a_waveform_are_refused() -> None:
    with pytest.raises(ConfigError, match="32 x 32 points make 4 levels of a U-Net, and levels = 6"):
        built(levels=6)
    with pytest.raises(ConfigError, match="7 x 7 points make 1 levels of a U-Net, too few for a map with stride = 4"):
        built(Spec("image", (1, 7, 7), "index"), stride=4)
    with pytest.raises(ConfigError, match=r"this encoder reads \(C, H, W\) or \(C, D, H, W\)"):
        built(Spec("waveform", (2, 128), "seconds"))
