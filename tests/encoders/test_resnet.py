"""Residual networks over images: the published sizes, the arithmetic of a block, small batches, maps."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from sequela.config import convert
from sequela.encoders import resnet
from sequela.errors import ConfigError
from sequela.nn import stepwise
from sequela.types import Seq, Spec

SMALL = Spec("image", (1, 28, 28), "index", single=True)


def sequence(spec: Spec, mask: list[list[bool]], seed: int = 0) -> Seq:
    known = torch.tensor(mask)
    values = torch.randn(*known.shape, *spec.shape, generator=torch.Generator().manual_seed(seed))
    return Seq(values, known, torch.zeros(known.shape, dtype=torch.float64))


def built(spec: Spec = SMALL, **options: object) -> stepwise.Stepwise:
    torch.manual_seed(0)
    return resnet.build(spec, convert({"width": 8, "depth": 10} | options, resnet.Config))


def moved_norms(encoder: nn.Module) -> None:
    """Gives every norm a scale, a shift and running numbers of its own, so that none is the identity."""
    for tensor in encoder.state_dict().values():
        if tensor.is_floating_point() and tensor.dim() == 1:
            tensor.uniform_(0.5, 1.5)


@pytest.mark.parametrize(("depth", "count"), [(18, 11_176_512), (34, 21_284_672), (50, 23_508_032)])
def test_the_published_networks_have_their_published_sizes(depth: int, count: int) -> None:
    """With the dense layer of 1000 classes, torchvision documents 11,689,512, 21,797,672 and 25,557,032."""
    with torch.device("meta"):
        encoder = resnet.build(Spec("image", (3, 224, 224), "index"), convert({"depth": depth}, resnet.Config))
    assert sum(parameter.numel() for parameter in encoder.parameters()) == count
    assert encoder.width == (2048 if depth == 50 else 512)


def plain_norm(values: torch.Tensor, norm: nn.Module) -> torch.Tensor:
    shape = (1, -1, 1, 1)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return values * scale.view(shape) + (norm.bias - norm.running_mean * scale).view(shape)


def test_it_computes_stem_and_blocks_as_plain_operations_do() -> None:
    encoder = built(blocks=[1, 1]).eval()
    moved_norms(encoder)
    seq = sequence(SMALL, [[True], [True]])
    stem, stem_norm, _, first, second = encoder.net.layers
    values = plain_norm(functional.conv2d(seq.values[:, 0], stem.weight, padding=1), stem_norm).relu()
    for block, stride in ((first, 1), (second, 2)):
        one, one_norm, _, two, two_norm = block.body
        inner = plain_norm(functional.conv2d(values, one.weight, stride=stride, padding=1), one_norm).relu()
        inner = plain_norm(functional.conv2d(inner, two.weight, padding=1), two_norm)
        if stride == 2:
            values = plain_norm(functional.conv2d(values, block.shortcut[0].weight, stride=2), block.shortcut[1])
        values = (values + inner).relu()
    torch.testing.assert_close(encoder(seq).pooled, values.mean((2, 3)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("side", "expected"), [(28, 28), (63, 63), (64, 16), (224, 56)])
def test_small_images_keep_their_size_through_the_stem(side: int, expected: int) -> None:
    spec = Spec("image", (1, side, side), "index")
    encoded = built(spec, width=2, blocks=[1], map=True)(sequence(spec, [[True]]))
    assert encoded.steps.shape == (1, 1, 2, expected, expected)


def test_maps_are_what_the_pooled_vector_is_the_mean_of() -> None:
    seq = sequence(SMALL, [[True, True], [True, False]])
    encoder = built(map=True).eval()
    assert encoder.gives == {"pooled", "map"}
    encoded = encoder(seq)
    means = encoded.steps.mean((3, 4))
    torch.testing.assert_close(encoded.pooled, torch.stack([means[0].mean(0), means[1, 0]]))
    torch.testing.assert_close(encoded.pooled, built().eval()(seq).pooled)


def test_padding_enters_no_batch_statistics_in_training() -> None:
    torch.manual_seed(0)
    padded = sequence(SMALL, [[True, True, False, False], [True, False, False, False], [False, False, False, False]])
    padded.values[~padded.mask] = 1e6
    images = padded.values[padded.mask]
    plain = Seq(images[:, None], torch.ones(3, 1, dtype=torch.bool), torch.zeros(3, 1, dtype=torch.float64))
    one, other = built(), built()
    torch.testing.assert_close(one(padded).steps[padded.mask], other(plain).steps[:, 0])
    for (name, left), right in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(left, right, msg=name)


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("mask", [[[True]], [[False]], [[False, False], [False, False]]])
def test_a_batch_of_one_image_or_none_trains(norm: str, mask: list[list[bool]]) -> None:
    spec = Spec("image", (1, 4, 4), "index")  # one pixel is left at the end: one number a channel
    encoder = built(spec, norm=norm)
    encoder(sequence(spec, mask)).pooled.sum().backward()
    for name, tensor in encoder.state_dict().items():
        assert torch.isfinite(tensor).all(), name
    assert torch.isfinite(encoder.eval()(sequence(spec, mask)).pooled).all()


def test_group_norm_answers_the_same_in_training_and_after() -> None:
    encoder = built(norm="group")
    seq = sequence(SMALL, [[True], [True]])
    torch.testing.assert_close(encoder(seq).pooled, encoder.eval()(seq).pooled)


def test_pixels_that_were_not_seen_do_not_matter() -> None:
    seq = sequence(SMALL, [[True], [True]])
    seen = torch.rand(seq.values.shape, generator=torch.Generator().manual_seed(2)) > 0.3
    hidden = Seq(seq.values.where(seen, torch.nan), seq.mask, seq.position, seen)
    zeroed = Seq(seq.values.where(seen, 0.0), seq.mask, seq.position)
    encoder = built().eval()
    torch.testing.assert_close(encoder(hidden).pooled, encoder(zeroed).pooled)


def test_numbers_of_the_row_follow_the_pooled_vector() -> None:
    spec = Spec("image", (1, 28, 28), "index", context=2)
    seq = sequence(spec, [[True], [False]])
    context = torch.tensor([[0.5, 1.0], [-1.0, 2.0]])
    encoder = built(spec).eval()
    pooled = encoder(Seq(seq.values, seq.mask, seq.position, context=context)).pooled
    assert pooled.shape[1] == encoder.width
    torch.testing.assert_close(pooled[:, -2:], context)


def test_a_waveform_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"this encoder reads \(C, H, W\)"):
        built(Spec("waveform", (2, 128), "seconds"))
