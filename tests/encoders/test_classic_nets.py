"""AlexNet, VGG, DenseNet and the vision transformer: as large as published, safe with small pictures, in three dimensions."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch.nn import functional

from sequela.config import convert
from sequela.encoders import alexnet, cnn, densenet, resnet, vgg, vit
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

LARGE = Spec("image", (3, 224, 224), "index", single=True)
DENSE_1000 = 4096 * 1000 + 1000  # the last layer of AlexNet and VGG, which is the task's head here
NARROW: list[tuple[ModuleType, dict[str, object]]] = [
    (alexnet, {"width": 2, "dense": 5}),
    (vgg, {"depth": 11, "width": 2, "dense": 5}),
    (densenet, {"growth": 2, "blocks": [2, 2, 2]}),
    (resnet, {"width": 2, "depth": 10}),
]


def size(module: ModuleType, spec: Spec = LARGE, **options: object) -> int:
    with torch.device("meta"):
        made = module.build(spec, convert(options, module.Config))
    return sum(parameter.numel() for parameter in made.parameters())


def sequence(spec: Spec, rows: int = 2) -> Seq:
    values = torch.randn(rows, 1, *spec.shape, generator=torch.Generator().manual_seed(0))
    return Seq(values, torch.ones(rows, 1, dtype=torch.bool), torch.zeros(rows, 1, dtype=torch.float64))


def test_alexnet_has_its_published_size() -> None:
    """torchvision documents 61,100,840 with 1000 classes."""
    assert size(alexnet) == 61_100_840 - DENSE_1000


@pytest.mark.parametrize(("depth", "count"), [(11, 132_863_336), (13, 133_047_848), (16, 138_357_544), (19, 143_667_240)])
def test_vgg_has_its_published_sizes(depth: int, count: int) -> None:
    """Those that torchvision documents; Simonyan 2015, table 2, in millions: 133, 133, 138 and 144."""
    assert size(vgg, depth=depth) == count - DENSE_1000


def test_vgg_with_batch_norm_lacks_the_biases_that_the_norm_takes_away() -> None:
    biases = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512
    assert size(vgg, norm="batch") == 138_365_992 - DENSE_1000 - biases


@pytest.mark.parametrize(("depth", "count", "width"), [(121, 7_978_856, 1024), (169, 14_149_480, 1664), (201, 20_013_928, 1920)])
def test_densenet_has_its_published_sizes(depth: int, count: int, width: int) -> None:
    """Those that torchvision documents with 1000 classes."""
    assert size(densenet, depth=depth) == count - (width * 1000 + 1000)


def test_densenet_for_small_pictures_is_that_of_the_paper_for_cifar() -> None:
    """Huang 2017, table 2: DenseNet-BC of 100 layers with a growth of 12 has 0.8 million parameters, 769,162 with 10 classes."""
    count = size(densenet, Spec("image", (3, 32, 32), "index"), growth=12, blocks=[16, 16, 16])
    assert count == 769_162 - (342 * 10 + 10)


def test_the_vision_transformer_has_its_published_size() -> None:
    """ViT-B/16 at 224 pixels: 86,567,656 with 1000 classes, as torchvision documents."""
    assert size(vit, width=768, layers=12, heads=12) == 86_567_656 - (768 * 1000 + 1000)


def test_the_resnet_of_three_dimensions_has_its_published_size() -> None:
    """torchvision's r3d_18 has 33,371,472 with 400 classes; its stem of 3 x 7 x 7 stands here against one of 3 x 3 x 3."""
    count = size(resnet, Spec("image", (3, 16, 16, 16), "index"))
    assert count == 33_371_472 - (512 * 400 + 400) - 3 * 64 * 3 * 7 * 7 + 3 * 64 * 27


@pytest.mark.parametrize(("module", "options"), NARROW, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 65, 80), (1, 1, 9), (1, 1, 1), (1, 7, 30, 22), (2, 66, 64, 64)])
def test_any_size_of_picture_or_volume_is_answered(
    module: ModuleType, options: dict[str, object], shape: tuple[int, ...]
) -> None:
    spec = Spec("image", shape, "index", single=True)
    made = module.build(spec, convert(options, module.Config))
    pooled = made.train()(sequence(spec)).pooled
    assert pooled.shape == (2, made.width)
    assert pooled.isfinite().all()


def test_a_layer_of_densenet_gives_what_came_in_and_new_channels_after_it() -> None:
    layer = densenet.Layer(2, 6, densenet.Config(growth=3)).eval()
    values = torch.randn(2, 6, 5, 5)
    found = layer(values)
    assert found.shape == (2, 9, 5, 5)
    assert torch.equal(found[:, :6], values)
    one, _, narrow, two, _, wide, _ = layer.new
    new = functional.conv2d(two(functional.conv2d(one(values).relu(), narrow.weight)).relu(), wide.weight, padding=1)
    torch.testing.assert_close(found[:, 6:], new)


def test_the_vision_transformer_reads_patches_in_order_and_knows_their_places() -> None:
    torch.manual_seed(0)
    spec = Spec("image", (1, 8, 12), "index", single=True)
    made = vit.build(spec, vit.Config(patch=4, width=8, layers=1, heads=2, map=True)).eval()
    seq = sequence(spec)
    net = made.net
    assert made(seq).steps.shape == (2, 1, 8, 2, 3)
    patch = seq.values[0, 0, 0, 4:8, 8:12].flatten() @ net.patches.weight[:, 0].flatten(1).T + net.patches.bias
    vectors = net.patches(seq.values[:, 0])
    torch.testing.assert_close(vectors[0, :, 1, 2], patch)
    turned = Seq(seq.values.flip(4), seq.mask, seq.position)
    assert not torch.allclose(made(seq).pooled, made(turned).pooled, atol=1e-4)
    with torch.no_grad():  # without places a transformer sees a bag of patches
        net.place.zero_()
    shuffled = Seq(torch.cat([seq.values[..., 4:], seq.values[..., :4]], 4), seq.mask, seq.position)
    torch.testing.assert_close(made(seq).pooled, made(shuffled).pooled)


def test_patches_that_do_not_fill_a_picture_are_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match=r"patches of 4 points along each axis do not fill 30 x 18\nhint: patches of 2, 3, 6 "):
        vit.build(Spec("image", (1, 30, 18), "index"), vit.Config())
    with pytest.raises(ConfigError, match="a width of 10 cannot be shared by 4 heads"):
        vit.build(Spec("image", (1, 8, 8), "index"), vit.Config(width=10))


def test_the_lung_ct_net_has_a_form_for_volumes() -> None:
    spec = Spec("image", (2, 8, 12, 4), "index", single=True)
    made = cnn.build(spec, cnn.Config(channels=(3, 5), width=7))
    counts = [parameter.numel() for parameter in made.parameters()]
    assert counts == [2 * 3 * 27, 3, 3 * 5 * 27, 5, 5 * 2 * 3 * 1 * 7, 7]
    assert made(sequence(spec)).pooled.shape == (2, 7)


@pytest.mark.parametrize("module", [alexnet, vgg, densenet, vit, resnet, cnn])
def test_a_waveform_is_no_picture(module: ModuleType) -> None:
    with pytest.raises(ConfigError, match=r"this encoder reads \(C, H, W\) or \(C, D, H, W\)"):
        module.build(Spec("waveform", (2, 64), "seconds"), module.Config())
