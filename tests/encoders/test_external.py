"""Networks of other packages by name, with stand-ins for the packages: what is made, what is refused, what a bundle says."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sequela import registry
from sequela.config import Named, options
from sequela.encoders import _external, _families
from sequela.errors import ConfigError, MissingExtra
from sequela.types import Seq, Spec

PICTURE = Spec("image", (2, 8, 8), "index", single=True)
VOLUME = Spec("image", (1, 4, 6, 6), "index", single=True)


class FakeMap(nn.Module):
    """A map of the input's size; in training, if asked, several of them stacked."""

    def __init__(self, spatial_dims: int, in_channels: int, out_channels: int, supervised: bool = False) -> None:
        super().__init__()
        kind = nn.Conv2d if spatial_dims == 2 else nn.Conv3d
        self.layer, self.supervised = kind(in_channels, out_channels, 1), supervised

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        made = self.layer(values)
        return torch.stack([made, made], 1) if self.supervised and self.training else made


class FakeTokens(nn.Module):
    """What a vision transformer of MONAI gives: tokens, and the states of its layers."""

    def __init__(self, in_channels: int, img_size: tuple[int, ...], width: int = 3) -> None:
        super().__init__()
        self.layer, self.size = nn.Linear(in_channels, width), img_size

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        assert tuple(values.shape[2:]) == tuple(self.size)
        return self.layer(values.flatten(2).transpose(1, 2)), []


class FakeText(nn.Module):
    def forward(self, values: torch.Tensor) -> str:
        return "no tensor"


class FakeVectors(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(channels, width)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.layer(values.flatten(2).mean(2))


class FakeModel(FakeVectors):
    """What a network of transformers gives: an object with a pooled map of one point."""

    def forward(self, values: torch.Tensor) -> Any:
        return SimpleNamespace(pooler_output=super().forward(values)[:, :, None, None])


def create_model(name: str, pretrained: bool, in_chans: int, num_classes: int, width: int = 4) -> nn.Module:
    assert not pretrained
    assert num_classes == 0
    return FakeVectors(in_chans, width)


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for MONAI, timm and transformers, all of version 9.1."""
    nets, timm, transformers = (ModuleType(name) for name in ("monai.networks.nets", "timm", "transformers"))
    nets.FakeMap, nets.FakeTokens, nets.FakeText, nets.build = FakeMap, FakeTokens, FakeText, lambda: None
    timm.is_model, timm.list_models, timm.create_model = lambda name: name == "fakenet18", lambda: ["fakenet18"], create_model
    configuration = SimpleNamespace(for_model=lambda kind, **told: SimpleNamespace(kind=kind, **told))
    model = SimpleNamespace(from_config=lambda told, trust_remote_code: FakeModel(told.num_channels, told.hidden_size))
    transformers.AutoConfig, transformers.AutoModel = configuration, model
    found = {"monai": ModuleType("monai"), "monai.networks": ModuleType("monai.networks"), "monai.networks.nets": nets}
    for name, module in (found | {"timm": timm, "transformers": transformers}).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(metadata, "version", lambda name: "9.1")


def built(encoder: Named, spec: Spec = PICTURE) -> Any:
    """The encoder, found by its name as a study's is."""
    torch.manual_seed(0)
    name, chosen = options("encoders", encoder, "encoder")
    return registry.module("encoders", name).build(spec, chosen)


def sequence(spec: Spec = PICTURE, mask: tuple[bool, ...] = (True, True)) -> Seq:
    values = torch.randn(len(mask), 1, *spec.shape, generator=torch.Generator().manual_seed(0))
    return Seq(values, torch.tensor(mask)[:, None], torch.zeros(len(mask), 1, dtype=torch.float64))


@pytest.mark.parametrize("spec", [PICTURE, VOLUME])
def test_a_map_of_monai_is_given_as_a_map_and_its_dimensions_and_channels_are_the_input_s(spec: Spec) -> None:
    encoder, seq = built({"name": "monai:FakeMap", "arguments": {"out_channels": 5}}, spec), sequence(spec)
    assert encoder.gives == {"pooled", "map"}
    encoded = encoder(seq)
    torch.testing.assert_close(encoded.steps[:, 0], encoder.net.network.layer(seq.values[:, 0]))
    torch.testing.assert_close(encoded.pooled, encoded.steps[:, 0].flatten(2).mean(2))
    assert (encoder.width, encoder.steps_width) == (5, 5)


def test_tokens_are_averaged_and_the_size_is_the_input_s() -> None:
    encoder, seq = built({"name": "monai:FakeTokens", "arguments": {"width": 6}}), sequence()
    assert encoder.gives == {"pooled", "steps"}
    torch.testing.assert_close(encoder(seq).pooled, encoder.net.network(seq.values[:, 0])[0].mean(1))
    assert encoder.width == 6


def test_timm_gives_vectors_without_its_last_layer() -> None:
    encoder, seq = built({"name": "timm:fakenet18", "arguments": {"width": 7}}), sequence()
    torch.testing.assert_close(encoder(seq).pooled, encoder.net.network(seq.values[:, 0]))
    assert encoder.width == 7


def test_hugging_face_s_pooled_output_is_taken() -> None:
    encoder, seq = built({"name": "hf:vit", "arguments": {"hidden_size": 3}}), sequence()
    expected = encoder.net.network.layer(seq.values[:, 0].flatten(2).mean(2))
    torch.testing.assert_close(encoder(seq).pooled, expected)


def test_a_row_without_a_picture_is_zeros_and_a_batch_of_them_is_answered() -> None:
    encoder = built("timm:fakenet18")
    assert (encoder(sequence(mask=(True, False))).pooled[1] == 0).all()
    assert (encoder(sequence(mask=(False, False))).pooled == 0).all()


def test_it_is_the_step_of_another_encoder() -> None:
    encoder = built({"name": "cnn_rnn", "step": "timm:fakenet18", "width": 6})
    assert encoder(sequence()).pooled.shape == (2, 6)


def test_weights_come_from_a_file_that_holds_data_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {name: torch.randn(value.shape) for name, value in FakeVectors(2, 4).state_dict().items()}
    save_file(weights | {"head.weight": torch.zeros(1)}, tmp_path / "own.safetensors")
    encoder = built({"name": "timm:fakenet18", "weights": str(tmp_path / "own.safetensors")})
    assert torch.equal(encoder.net.network.layer.weight, weights["layer.weight"])
    monkeypatch.setenv("SEQUELA_DATA", str(tmp_path))
    again = built({"name": "timm:fakenet18", "weights": "own.safetensors"})
    assert torch.equal(again.net.network.layer.weight, weights["layer.weight"])
    with pytest.raises(
        ConfigError, match=r"own.safetensors lacks 2 of the network's 2 weights or has them in another shape: layer"
    ):
        built(
            {"name": "timm:fakenet18", "weights": "own.safetensors", "arguments": {"width": 9}}, Spec("image", (2, 8, 8), "index")
        )
    with pytest.raises(ConfigError, match=r"there are no weights at none.safetensors"):
        built({"name": "timm:fakenet18", "weights": "none.safetensors"})


@pytest.mark.parametrize("file", ["weights.pth", "model.bin", "net.pkl"])
def test_pickled_weights_are_refused_unopened(file: str) -> None:
    with pytest.raises(ConfigError, match="expected a file in safetensors format"):
        built({"name": "timm:fakenet18", "weights": file})


@pytest.mark.parametrize(
    "arguments", [{"pretrained": True}, {"checkpoint_path": "x"}, {"inner": {"use_pretrained_backbone": True}}]
)
def test_arguments_that_fetch_or_unpickle_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="would fetch or unpickle weights"):
        built({"name": "timm:fakenet18", "arguments": arguments})


def test_what_json_cannot_hold_is_no_argument() -> None:
    with pytest.raises(ConfigError, match=r"the argument 'width' holds a .*Path; expected values of JSON"):
        built({"name": "timm:fakenet18", "arguments": {"width": [[Path("x")]]}})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("monai:FakeMapp", "did you mean 'FakeMap'"),
        ("monai:build", "MONAI has no network 'build'"),
        ("timm:fakenet81", "did you mean 'fakenet18'"),
        ("timm:hf_hub:any/net", "timm has no network"),
        ("mona:FakeMap", "did you mean 'monai:NETWORK'"),
        ("monai:", "no family of networks"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        built(name)


def test_what_cannot_be_made_or_gives_no_tensor_or_changes_in_training_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"monai:FakeMap cannot be made with these arguments: .* 'out_channels'"):
        built("monai:FakeMap")
    with pytest.raises(ConfigError, match="gives no tensor"):
        built("monai:FakeText")
    with pytest.raises(ConfigError, match="in training monai:FakeMap gives 5 axes, and else 4"):
        built({"name": "monai:FakeMap", "arguments": {"out_channels": 2, "supervised": True}}).train()(sequence())
    with pytest.raises(ConfigError, match="does not read a picture of shape"):
        built({"name": "monai:FakeMap", "arguments": {"out_channels": 2, "in_channels": 9}})
    with pytest.raises(ConfigError, match="this encoder reads"):
        built("timm:fakenet18", Spec("waveform", (2, 8), "seconds"))


@pytest.mark.parametrize(("family", "package"), sorted(_families.PACKAGES.items()))
def test_a_package_that_is_not_there_is_named_with_the_version_of_the_bundle(
    family: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=f"hint: pip install {package}==1.5") as caught:
        built({"name": f"{family}:x", "version": "1.5"})
    assert caught.value.exit_code == 7


def test_a_bundle_names_the_version_and_no_file() -> None:
    own = {"name": "timm:fakenet18", "weights": "/home/me/own.safetensors", "dropout": 0.1, "arguments": {"width": 5}}
    told = {"name": "timm:fakenet18", "dropout": 0.1, "arguments": {"width": 5}, "version": "9.1"}
    assert _external.shipped(own) == told
    assert built(_external.shipped({**own, "weights": ""})).width == 5
    nested = {"name": "cnn_rnn", "step": own, "over": "lstm"}
    assert _external.shipped(nested) == {"name": "cnn_rnn", "step": told, "over": "lstm"}
    assert _external.shipped("resnet") == "resnet"
    assert _external.shipped({"name": "lstm", "width": 8}) == {"name": "lstm", "width": 8}


def test_a_folder_of_hugging_face_travels_as_its_configuration(tmp_path: Path) -> None:
    told = '{"model_type": "vit", "hidden_size": 3, "_name_or_path": "secret", "use_pretrained_backbone": false, "empty": null}'
    (tmp_path / "config.json").write_text(told)
    shipped = _external.shipped({"name": f"hf:{tmp_path}", "arguments": {"num_channels": 2}})
    assert shipped == {"name": "hf:vit", "arguments": {"hidden_size": 3, "num_channels": 2}, "version": "9.1"}
    assert built(shipped).width == 3
