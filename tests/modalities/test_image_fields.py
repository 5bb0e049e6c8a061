"""Pictures and volumes of which a part can be read alone: patches, true spacing, windows, and what is refused."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from sequela.batch import collate
from sequela.bundle import golden
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.modalities import _pictures, image
from sequela.modalities._picture_plan import planned_patch
from sequela.modalities._synthetic import Held, events
from sequela.readers._space import canonical
from sequela.types import Fields, Known, Payload, Space


def build(**options):
    return image.build(convert(options, image.Config))


def space(spacing, oriented=True):
    affine = np.zeros((4, 4))
    down, row, column = (1.0, *spacing)[-3:]
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = down, row, column, 1
    return Space(affine, oriented=oriented)


def known(images, spacings=None, oriented=True):
    """One picture a row; `spacings` one for all, or one each."""
    count = len(images)
    spacings = [spacings] * count if spacings is None or isinstance(spacings, tuple) else spacings
    spaces = [None if one is None else space(one, oriented) for one in spacings]
    payloads = {f"u{i}": Payload(v, space=s) for i, (v, s) in enumerate(zip(images, spaces, strict=True))}
    columns = {"row": range(count), "position": [np.nan] * count, "code": ["IMAGE"] * count, "payload": list(payloads)}
    return Known(count, events(columns), Held(payloads), {"IMAGE": "payload"})


def read(data, **options):
    """The Fields of these rows under what was learnt of them, and the state."""
    modality = build(**options)
    state = modality.fit(data)
    return modality.read(data, state).values, state


def volumes(*sizes, dtype=np.float32):
    random = np.random.default_rng(0)
    return [random.normal(100, 20, (1, *size)).astype(dtype) for size in sizes]


def photographs(*sizes):
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (3, *size), dtype=np.uint8) for size in sizes]


# ------------------------------------------------------------------------------------------------------------------------ parts

CASES = {
    "photographs in patches": (photographs((30, 41), (25, 60)), None, {"patch": (8, 8)}),
    "photographs stretched, then in patches": (photographs((30, 41), (25, 60)), None, {"patch": (8, 8), "size": (20, 33)}),
    "photographs cut to one size": (photographs((30, 41), (25, 60)), None, {"fit": "crop", "size": (28, 50)}),
    "volumes at true spacing": (
        volumes((9, 20, 17), (12, 15, 19)),
        (3.0, 1.0, 1.5),
        {"patch": (8, 8, 8), "spacing": (2.0, 1.0, 1.0)},
    ),
    "volumes by themselves": (volumes((9, 20, 17), (12, 15, 19)), None, {"patch": (8, 8, 8), "scale": "each"}),
    "a CT in patches": (volumes((9, 20, 17), (12, 15, 19), dtype=np.int16), None, {"patch": (4, 8, 8), "window": [60, 140]}),
}
cases = pytest.mark.parametrize("case", CASES)


@cases
def test_any_part_is_that_of_the_whole_and_zero_outside(case):
    images, spacing, options = CASES[case]
    fields, _ = read(known(images, spacing), **options)
    assert isinstance(fields, Fields)
    random = np.random.default_rng(1)
    for entry in range(2):
        size = fields.grid(entry).size
        whole = fields.crop(entry, (0,) * len(size), size)
        assert whole.dtype == np.float32 and whole.shape == (fields.shape[1], *size)
        padded = np.pad(whole, [(0, 0), *[(60, 60)] * len(size)])
        for _ in range(20):
            corner, part = random.integers(-12, max(size) + 5, len(size)), random.integers(1, 25, len(size))
            expected = padded[(slice(None), *(slice(60 + c, 60 + c + p) for c, p in zip(corner, part, strict=True)))]
            np.testing.assert_array_equal(fields.crop(entry, corner.tolist(), part.tolist()), expected)


@cases
def test_a_picture_too_large_to_be_kept_gives_the_same_parts(case, monkeypatch):
    images, spacing, options = CASES[case]
    kept, _ = read(known(images, spacing), **options)
    corner, size = [3] * len(kept.shape[2:]), [9] * len(kept.shape[2:])
    expected = kept.crop(1, corner, size)
    monkeypatch.setattr(_pictures, "KEPT", 0)
    np.testing.assert_array_equal(read(known(images, spacing), **options)[0].crop(1, corner, size), expected)


def test_without_options_a_part_is_the_stored_pixels_standardised():
    images = photographs((30, 41), (25, 60))
    fields, state = read(known(images), patch=(8, 8))
    part = fields.crop(1, (4, 50), (8, 8))
    mean, spread = (np.array(n)[:, None, None] for n in (state.mean, state.spread))
    np.testing.assert_allclose(part, (images[1][:, 4:12, 50:58] / 255 - mean) / spread, atol=1e-5)
    assert fields.grid(1).same and fields.patch == (8, 8) and fields.shape == (2, 3, 8, 8)


def test_an_index_gives_the_middle_patch_of_each():
    images = photographs((30, 40), (25, 61))
    fields, _ = read(known(images), patch=(8, 9))
    found = collate({"x": build(patch=(8, 9)).read(known(images), read(known(images), patch=(8, 9))[1])}, np.array([1]))
    np.testing.assert_array_equal(found.inputs["x"].values[0, 0], fields.crop(1, (8, 26), (8, 9)))


def test_a_picture_smaller_than_the_patch_stands_in_the_middle_of_zeros():
    fields, _ = read(known(volumes((5, 20, 17))), patch=(9, 20, 17))
    middle = fields[np.array([0])][0, 0]
    assert not middle[:2].any() and not middle[7:].any() and middle[2:7].all()


# -------------------------------------------------------------------------------------------------------------------- geometry


def test_at_true_spacing_the_same_body_has_the_same_picture_whatever_its_spacing():
    def body(spacing):
        at = np.meshgrid(*((np.arange(round(48 / s)) + 0.5) * s for s in spacing), indexing="ij")
        return np.exp(-sum(((a - c) / 9) ** 2 for a, c in zip(at, (20, 25, 30), strict=True)))[None].astype(np.float32)

    spacings = [(1.0, 1.0, 1.0), (2.0, 1.0, 1.5), (1.0, 0.75, 0.5)]
    data = known([body(s) for s in spacings], spacings)
    fields, state = read(data, patch=(48, 48, 48), spacing=(1.0, 1.0, 1.0))
    assert state.spacing == (1, 1, 1) and [fields.grid(i).size for i in range(3)] == [(48, 48, 48)] * 3
    one, coarser, finer = (fields.crop(i, (0, 0, 0), (48, 48, 48)) * state.spread[0] for i in range(3))
    assert np.abs(coarser - one).max() < 0.03 and np.abs(finer - one).max() < 0.01


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_a_volume_that_its_file_turned_gives_the_same_parts(order, flips):
    """The source's array is permuted and flipped, and its affine with it: the body lies where it lay."""
    upright = volumes((9, 12, 15))[0]
    affine = np.diag([2.0, 1.0, 1.5, 1.0])[[2, 1, 0, 3]]
    turned, where = upright.transpose(0, *(1 + axis for axis in order)), affine[:, [*order, 3]]
    for axis in flips:
        turned = np.flip(turned, 1 + axis)
        where[:3, 3] += where[:3, axis] * (turned.shape[1 + axis] - 1)
        where[:, axis] *= -1
    stored = [Payload(values, space=space) for values, space in (canonical(upright, affine), canonical(turned, where))]
    columns = {"row": [0, 1], "position": [np.nan] * 2, "code": ["IMAGE"] * 2, "payload": ["u0", "u1"]}
    data = Known(2, events(columns), Held({f"u{i}": one for i, one in enumerate(stored)}), {"IMAGE": "payload"})
    fields, _ = read(data, patch=(8, 8, 8), spacing=(1.0, 1.0, 1.0), scale="each")
    assert fields.grid(0) == fields.grid(1)
    np.testing.assert_array_equal(fields.crop(0, (2, 1, 3), (8, 8, 8)), fields.crop(1, (2, 1, 3), (8, 8, 8)))


def test_spacing_and_patch_are_planned_from_the_training_pictures():
    data = known(volumes((36, 50, 35), (34, 52, 35), (38, 48, 30)), [(1.0, 1.0, 1.0), (1.0, 2.0, 1.0), (3.0, 1.0, 1.0)])
    modality = build(patch="auto", spacing="auto")
    state = modality.fit(data)
    assert state.spacing == (1, 1, 1) and state.patch == (40, 56, 40)  # median sizes 38, 52, 35
    assert modality.spec(state).shape == (1, 40, 56, 40) and modality.spec(state).spacing == (1, 1, 1)


def test_a_planned_patch_is_bounded_and_halves_well():
    for sizes in ([(960, 999)], [(300, 512, 512)], [(12, 300, 300)], [(5, 7)]):
        patch = planned_patch(sizes)
        assert np.prod(patch) <= 1.5 * 2 ** (16 if len(patch) == 2 else 17)
        assert all(side % 4 == 0 and side / 4 >= 4 for side, whole in zip(patch, sizes[0], strict=True) if whole >= 64)
    assert planned_patch([(960, 999)]) == (256, 288)


def test_a_crop_keeps_true_spacing_where_a_stretch_does_not():
    square = np.zeros((1, 40, 20), np.uint8)
    square[0, 10:30, 5:15] = 255
    data = known([square, square], (0.5, 1.0))

    def extent(**options):
        picture = read(data, **options)[0][np.array([0])][0, 0]
        bright = picture > (picture.max() + picture.min()) / 2
        return bright.sum(0).max(), bright.sum(1).max()

    assert extent(fit="crop", size=(20, 20), spacing=(1.0, 1.0)) == (10, 10)
    assert extent(size=(20, 40)) == (10, 20)


def test_the_size_at_a_spacing_is_the_median_where_none_is_asked_for():
    _, state = read(known(volumes((10, 10, 10), (12, 12, 12), (20, 20, 20)), (2.0, 2.0, 1.0)), fit="crop", spacing="auto")
    assert state.size == (12, 12, 12)


# --------------------------------------------------------------------------------------------------------------------- values


def test_a_window_is_a_named_range_of_hounsfield_units_and_several_are_channels():
    scan = np.array([-1000, -600, 150, 40, 0, 400, 1300, 2000], np.int16).reshape(1, 2, 2, 2)
    fields, state = read(known([scan, scan]), patch=(2, 2, 2), window=["lung", "bone"])
    assert state.channels == ("lung", "bone") and state.stored == ("grey",)
    both = fields.crop(0, (0, 0, 0), (2, 2, 2)) * np.array(state.spread)[:, None, None, None]
    both = (both + np.array(state.mean)[:, None, None, None]).reshape(2, 8)
    np.testing.assert_allclose(both[0], np.clip((scan.ravel() + 1350) / 1500, 0, 1), atol=1e-6)
    np.testing.assert_allclose(both[1], np.clip((scan.ravel() + 500) / 1800, 0, 1), atol=1e-6)
    assert fields.shown(0).dtype == np.uint8 and fields.shown(0).reshape(8)[1] == 128  # level of the first window


def test_a_picture_by_itself_has_mean_zero_and_spread_one_over_what_is_not_empty():
    bright, dark = volumes((6, 8, 8), (6, 8, 8))
    dark = dark / 9 + 3
    dark[:, :, :4] = 0
    fields, _ = read(known([bright, dark]), size=(6, 8, 8), scale="each")
    one, other = fields[np.arange(2)]
    inside = other[:, :, 4:]
    for body in (one, inside):
        assert abs(body.mean()) < 1e-4 and abs(body.std() - 1) < 1e-4


def test_a_photograph_is_shown_as_stored_and_a_scan_between_its_percentiles():
    images = photographs((30, 41))
    np.testing.assert_array_equal(read(known(images), patch=(8, 8))[0].shown(0), images[0])
    shown = read(known(volumes((9, 20, 17))), patch=(8, 8, 8))[0].shown(0)
    assert shown.shape == (1, 9, 20, 17) and shown.min() == 0 and shown.max() == 255 and 100 < np.median(shown) < 155


def test_plain_columns_of_volumes_are_few_and_tell_the_mean():
    images = volumes((30, 41, 64), (25, 60, 9))
    modality = build(patch=(16, 16, 16))
    plain = modality.plain(known(images), modality.fit(known(images)))
    assert plain.values.shape[1] < 600 and np.isfinite(plain.values).all()
    mean = plain.values[:, plain.names.index("mean")]
    np.testing.assert_allclose(mean, [one.mean() for one in images], rtol=0.01)


# ---------------------------------------------------------------------------------------------------------------------- states


@cases
def test_a_state_of_any_plan_survives_json_and_its_example_a_bundle(case):
    images, spacing, options = CASES[case]
    modality, data = build(**options), known(images, spacing)
    state = modality.fit(data)
    assert msgspec.json.decode(msgspec.json.encode(state), type=image.State) == state
    example = modality.example(state, 4, 0)
    again, _ = golden.decode(msgspec.json.decode(msgspec.json.encode(golden.encode(example, {}))))
    first, second = (modality.read(one, state).values for one in (example, again))
    np.testing.assert_array_equal(first[np.arange(4)], second[np.arange(4)])
    if first.patch is not None and state.size is None:
        assert any(a > b for a, b in zip(first.grid(0).size, first.patch, strict=True)), "a window has two places"
    assert 0.05 < first[np.arange(4)].std() < 3 and modality.refused(example, state) == [""] * 4


# ------------------------------------------------------------------------------------------------------------------- refusals


def test_a_picture_unlike_those_of_training_is_refused_and_the_row_told_why():
    modality = build(patch=(4, 4, 4))
    state = modality.fit(known(volumes((8, 8, 8), (9, 8, 8)), [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)]))
    given = [*volumes(*[(8, 8, 8)] * 4), photographs((8, 8))[0]]
    spacings = [(1.5, 1.0, 1.0), (4.1, 1.0, 1.0), (0.49, 1.0, 1.0), None, None]
    reasons = modality.refused(known(given, spacings), state)
    assert reasons[0] == "" and all(reasons[1:])
    assert "4.1 × 1 × 1 mm apart" in reasons[1] and "1 × 1 × 1 mm to 2 × 1 × 1 mm" in reasons[1]
    assert "does not tell its spacing" in reasons[3] and "volumes were learnt" in reasons[4]
    with pytest.raises(DataError, match="4 of 5 pictures are not like those of training"):
        modality.read(known(given, spacings), state)
    assert "how it lies" in modality.refused(known(given[:1], (1.0, 1.0, 1.0), oriented=False), state)[0]
    generous = build(patch=(4, 4, 4), spacing_factor=2.1)
    assert generous.refused(known(given, spacings), state)[1:3] == ["", ""]


def test_volumes_of_several_types_need_a_scale_of_their_own():
    mixed = known([*volumes((8, 8, 8), (8, 8, 8)), *volumes((8, 8, 8), dtype=np.uint8)])
    with pytest.raises(DataError, match=r"1 of 3 pictures .*numbers are uint8, those of training float32.*scale = \"each\""):
        build(patch=(4, 4, 4)).fit(mixed)
    assert build(patch=(4, 4, 4), scale="each").fit(mixed).dtype == "float32"


def test_a_photograph_without_spacing_is_no_reason_to_refuse():
    modality = build(patch=(4, 4))
    state = modality.fit(known(photographs((8, 8)), (1.0, 1.0)))
    assert modality.refused(known(photographs((8, 8))), state) == [""]


def test_pictures_that_do_not_tell_a_spacing_that_is_needed_are_counted():
    with pytest.raises(DataError, match="1 of 3 training pictures do not tell their spacing"):
        build(patch="auto", spacing="auto").fit(known(volumes(*[(8, 8, 8)] * 3), [(1.0, 1.0, 1.0), None, (1.0, 1.0, 1.0)]))


def test_training_pictures_of_two_kinds_are_refused():
    with pytest.raises(DataError, match="1 of 3 pictures"):
        build(patch=(4, 4)).fit(known([*photographs((8, 8), (9, 9)), *volumes((8, 8, 8))]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": (0, 4)}, "patch"),
        ({"spacing": (1.0, -1.0), "patch": (4, 4)}, "spacing"),
        ({"window": "lungs"}, "no window 'lungs'"),
        ({"window": [3.0, 1.0]}, "window"),
        ({"window": ["lung", 3.0]}, "window"),
        ({"spacing": "auto"}, "no true spacing"),
        ({"as_rows": True, "patch": (4, 4)}, "as_rows"),
    ],
)
def test_options_that_cannot_hold_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        build(**options)


def test_options_of_another_number_of_axes_are_refused_when_the_pictures_are_seen():
    with pytest.raises(DataError, match="patch has 2 numbers; of volumes it has 3: slices, rows and columns"):
        build(patch=(4, 4)).fit(known(volumes((8, 8, 8))))
    with pytest.raises(DataError, match="patch has 1 number; of pictures it has 2: rows and columns"):
        build(patch=(4,)).fit(known(photographs((8, 8))))
    with pytest.raises(DataError, match="no steps"):
        build(as_rows=True).fit(known(volumes((8, 8, 8))))
