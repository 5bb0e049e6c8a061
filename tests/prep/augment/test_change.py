"""Augmentation as a whole: replayable, each row by itself, and what is not there stays so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch

from sequela.errors import ConfigError
from sequela.prep import augment
from sequela.types import Seq, Spec

IMAGE = Spec("image", (1, 16, 16), "days", ("grey",), single=True)
COLOUR = Spec("image", (3, 12, 20), "days", ("red", "green", "blue"), single=True)
VOLUME = Spec("image", (2, 6, 10, 8), "days", ("t1", "t2"), single=True, spacing=(3.0, 1.0, 1.5))
SLICES = Spec("slices", (1, 10, 14), "millimetres", ("ct",))
WAVE = Spec("waveform", (2, 50), "seconds", ("I", "II"))
SPECS = [(IMAGE, 1), (COLOUR, 1), (VOLUME, 1), (SLICES, 3), (WAVE, 3)]
GEOMETRY = ["scale", "rotate", "shear", "shift", "crop", "flip", "elastic"]
INTENSITY = ["brightness", "contrast", "gamma", "noise", "blur", "low_resolution", "bias", "erase"]
WAVES = ["amplitude", "shift", "noise", "channel_drop", "time_warp"]
NOTHING = {
    "rotate": {"degrees": 0.0},
    "shear": {"degrees": 0.0},
    "crop": {"least": 1.0, "stretch": 0.0},
    "flip": {"horizontal": 0.0},
    "noise": {"sd": 0.0},
    "blur": {"sd": 0.0},
    "erase": {"often": 0.0},
    "channel_drop": {"often": 0.0},
}


def every(spec):
    return WAVES if spec.kind == "waveform" else GEOMETRY + INTENSITY


@pytest.mark.parametrize(("spec", "steps"), SPECS)
def test_the_same_generator_gives_the_same_change_and_another_another(spec, steps, batch, generator):
    seq = batch(spec, steps=steps)
    change = augment.build(every(spec), spec)
    first, again, other = (change(seq, generator(seed)).values for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other) and not torch.allclose(first, seq.values)
    assert first.shape == seq.values.shape and first.dtype == torch.float32 and first.isfinite().all()


@pytest.mark.parametrize(("spec", "steps"), SPECS)
def test_what_was_drawn_can_be_replayed_and_the_batch_itself_is_untouched(spec, steps, batch, generator):
    seq = batch(spec, steps=steps)
    before = seq.values.clone()
    change = augment.build(every(spec), spec)
    drawn = change.draw(seq, generator(3))
    assert torch.equal(change.apply(seq, drawn).values, change.apply(seq, drawn).values)
    assert torch.equal(change.apply(seq, drawn).values, change(seq, generator(3)).values)
    assert torch.equal(seq.values, before)


@pytest.mark.parametrize("name", [*GEOMETRY, *INTENSITY, "quarter"])
@pytest.mark.parametrize("shape", [(1, 12, 12), (1, 8, 12, 12)])
def test_rows_of_one_picture_are_changed_each_in_its_own_way(name, shape, of, generator):
    spec = Spec("image", shape, "days", single=True)
    seq = of(torch.randn(1, 1, *shape, generator=generator(5)).repeat(6, 1, *[1] * len(shape)))
    changed = augment.build([name], spec)(seq, generator(4)).values
    assert len(changed.flatten(1).unique(dim=0)) > 1


@pytest.mark.parametrize("name", [*GEOMETRY, *INTENSITY])
def test_a_row_is_changed_as_often_as_is_asked(name, of, generator):
    spec = Spec("image", (1, 8, 8), "days", single=True)
    seq = of(torch.randn(1, 1, 1, 8, 8, generator=generator(5)).repeat(400, 1, 1, 1, 1))
    asked = {"name": name, "often": 0.25} | ({"horizontal": 1.0} if name == "flip" else {})
    changed = augment.build([asked], spec)(seq, generator(1)).values
    share = (changed != seq.values).flatten(1).any(1).float().mean()
    assert 0.17 < share < 0.33


@pytest.mark.parametrize(("spec", "steps"), SPECS)
def test_amounts_of_nothing_change_nothing(spec, steps, batch, generator):
    named = [{"name": name} | NOTHING.get(name, {"by": 0.0}) for name in every(spec)]
    seq = batch(spec, steps=steps)
    torch.testing.assert_close(augment.build(named, spec)(seq, generator()).values, seq.values, atol=2e-5, rtol=0)


@pytest.mark.parametrize("spec", [IMAGE, VOLUME, SLICES, WAVE])
def test_padding_and_what_was_not_seen_stay_zero(spec, batch, generator):
    seq = batch(spec, rows=4, steps=3)
    mask = torch.tensor([[True, True, True], [True, False, False], [False, False, False], [True, True, False]])
    seen = torch.rand(4, 3, *spec.shape, generator=generator(9)) > 0.3
    real = mask.reshape(4, 3, *[1] * len(spec.shape)) & seen
    masked = Seq(seq.values * real, mask, seq.position, seen)
    changed = augment.build(every(spec), spec)(masked, generator(1)).values
    assert not changed[~mask].any() and not changed[~seen].any()
    assert changed[mask].any()


@pytest.mark.parametrize("name", [*GEOMETRY, "gamma", "contrast", "blur", "bias", "erase"])
def test_all_slices_of_a_row_are_changed_alike_and_padding_tells_them_nothing(name, of, generator):
    one = torch.randn(4, 1, *SLICES.shape, generator=generator(2))
    change = augment.build([name], SLICES)
    seq = of(one.repeat(1, 3, 1, 1, 1))
    drawn = change.draw(seq, generator(3))
    alike = change.apply(seq, drawn).values
    torch.testing.assert_close(alike[:, :1], alike[:, 1:2])
    torch.testing.assert_close(alike[:, :1], change.apply(of(one), drawn).values)


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_of_pixels_change_as_the_image_does(channels, batch, of, generator):
    names = ("red", "green", "blue")[:channels]
    whole, rows = Spec("image", (channels, 9, 7), "days", names), Spec("image", (7 * channels,), "index", names)
    seq = batch(whole)
    folded = of(seq.values[:, 0].permute(0, 2, 3, 1).reshape(6, 9, -1))
    expected = augment.build(every(whole), whole)(seq, generator(4)).values
    found = augment.build(every(rows), rows)(folded, generator(4)).values
    torch.testing.assert_close(found, expected[:, 0].permute(0, 2, 3, 1).reshape(6, 9, -1))


@pytest.mark.parametrize("spec", [IMAGE, VOLUME, WAVE])
def test_an_empty_batch_stays_empty(spec, batch, generator):
    assert augment.build(every(spec), spec)(batch(spec, rows=0), generator()).values.shape == (0, 1, *spec.shape)


def test_what_cannot_be_meant_names_the_nearest():
    with pytest.raises(ConfigError, match="'rotat'") as refused:
        augment.build(["rotat"], IMAGE)
    assert "did you mean 'rotate'" in refused.value.hint
    with pytest.raises(ConfigError, match="unknown key 'degree'") as refused:
        augment.build([{"name": "rotate", "degree": 3}], IMAGE)
    assert "did you mean 'degrees'" in refused.value.hint
    with pytest.raises(ConfigError, match=r"augment\[1\]"):
        augment.build(["flip", {"name": "scale", "by": 1.5}], IMAGE)
    with pytest.raises(ConfigError, match="no augmentation of waveforms"):
        augment.build(["flip"], WAVE)
    with pytest.raises(ConfigError, match="cannot be augmented"):
        augment.build(["noise"], Spec("measurements", (4,), "days"))


@pytest.mark.parametrize(
    ("asked", "spec"),
    [
        ({"name": "rotate", "tilt": 5.0}, IMAGE),
        ({"name": "flip", "depth": 0.5}, SLICES),
        ({"name": "quarter", "tilt": True}, IMAGE),
        ("quarter", COLOUR),
        ("quarter", VOLUME),
        ("quarter", Spec("image", (16,), "index")),
    ],
)
def test_a_change_that_a_picture_of_this_shape_cannot_have_is_refused(asked, spec):
    name = asked if isinstance(asked, str) else asked["name"]
    with pytest.raises(ConfigError, match=f"{name}: "):
        augment.build([asked], spec)


def test_the_page_names_every_change_with_its_options_and_defaults():
    page = (Path(__file__).parents[3] / "docs" / "augmentation.md").read_text(encoding="utf-8")
    lines = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name, kind in {**augment.KINDS["image"], **augment.KINDS["waveform"]}.items():
        for field in msgspec.structs.fields(kind.options):
            if field.name not in ("often", "classes"):
                said = str(field.default).lower().removesuffix(".0")
                assert f"`{field.name}` ({said}" in lines[name], (name, field.name)
