"""Images as one step, and as rows of steps."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from sequela.batch import collate
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.modalities import image
from sequela.modalities._synthetic import Held, events
from sequela.prep.resample import resized
from sequela.types import Known, Payload


def build(**options):
    return image.build(convert(options, image.Config))


def known(images, rows=None, count=None, positions=None):
    rows = list(range(len(images))) if rows is None else rows
    columns = {
        "row": rows,
        "position": [np.nan] * len(rows) if positions is None else positions,
        "code": ["IMAGE"] * len(rows),
        "payload": [f"u{i}" for i in range(len(rows))],
    }
    payloads = Held({f"u{i}": Payload(values) for i, values in enumerate(images)})
    return Known(len(rows) if count is None else count, events(columns), payloads, {"IMAGE": "payload"})


@pytest.fixture
def xrays():
    return list(np.random.default_rng(0).integers(0, 256, (9, 1, 6, 5), dtype=np.uint8))


def test_the_training_images_have_mean_zero_and_spread_one(xrays):
    modality = build()
    state = modality.fit(known(xrays))
    ragged = modality.read(known(xrays), state)
    values = ragged.values[np.arange(9)]
    assert values.shape == (9, 1, 6, 5) and values.dtype == np.float32
    assert abs(values.mean()) < 1e-5 and abs(values.std() - 1) < 1e-5
    pixels = np.stack(xrays) / 255
    np.testing.assert_allclose(values, (pixels - pixels.mean()) / pixels.std(), atol=1e-5)


def test_colours_are_standardised_each_by_its_own(xrays):
    colour = [np.concatenate([x, x // 4 + 100, 255 - x]) for x in xrays]
    modality = build()
    state = modality.fit(known(colour))
    values = modality.read(known(colour), state).values[np.arange(9)]
    np.testing.assert_allclose(values.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(values.std((0, 2, 3)), 1, atol=1e-5)
    assert modality.spec(state).names == ("red", "green", "blue")


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_the_image_from_the_top_in_any_order_asked(xrays, channels):
    images = [np.concatenate([x] * channels) for x in xrays]
    whole, rows = build(), build(as_rows=True)
    state = rows.fit(known(images))
    expected = whole.read(known(images), state).values[np.arange(9)]
    ragged = rows.read(known(images), state)
    assert rows.spec(state).shape == (5 * channels,) and rows.spec(state).unit == "index"
    seq = collate({"x": ragged}, np.array([7, 2, 7])).inputs["x"]
    np.testing.assert_array_equal(seq.values, expected[[7, 2, 7]].transpose(0, 2, 3, 1).reshape(3, 6, 5 * channels))
    np.testing.assert_array_equal(seq.position[0], np.arange(6))


def test_a_row_takes_its_latest_image_and_one_without_an_image_has_no_step(xrays):
    seen = known(xrays[:3], rows=[0, 0, 2], count=4, positions=[-5.0, -1.0, -3.0])
    modality = build()
    state = modality.fit(known(xrays))
    ragged = modality.read(seen, state)
    np.testing.assert_array_equal(ragged.lengths, [1, 0, 1, 0])
    np.testing.assert_array_equal(ragged.position, [-1, -3])
    expected = modality.read(known(xrays), state).values[np.array([1, 2])]
    np.testing.assert_array_equal(ragged.values[ragged.take], expected)
    plain = modality.plain(seen, state)
    np.testing.assert_array_equal(np.isnan(plain.values).all(1), [False, True, False, True])


def test_an_image_of_another_size_or_colour_is_brought_to_the_training_images(xrays):
    modality = build()
    state = modality.fit(known(xrays))
    grown = np.repeat(np.repeat(xrays[0], 2, 1), 2, 2)
    mixed = [xrays[0], grown, np.concatenate([xrays[0]] * 3)]
    values = modality.read(known(mixed), state).values[np.arange(3)]
    np.testing.assert_allclose(values[2], values[0], atol=1e-5)
    assert np.abs(values[1] - values[0]).mean() < 0.6 * np.abs(values[0]).mean()


def test_types_may_be_mixed_and_keep_their_scale(xrays):
    modality = build()
    state = modality.fit(known(xrays))
    deep = [xrays[0], xrays[0].astype(np.uint16) * 257, xrays[0].astype(np.float32) / 255]
    values = modality.read(known(deep), state).values[np.arange(3)]
    np.testing.assert_allclose(values[1:], values[[0, 0]], atol=1e-4)


def test_a_size_asked_for_is_given_and_a_flat_image_stays_flat(xrays):
    modality = build(size=(3, 4))
    state = modality.fit(known([np.full((1, 6, 5), 51, np.uint8), *xrays]))
    assert modality.spec(state).shape == (1, 3, 4)
    flat = modality.read(known([np.full((1, 12, 7), 51, np.uint8)]), state).values[np.array([0])]
    np.testing.assert_allclose(flat, (0.2 - state.mean[0]) / state.spread[0], atol=1e-5)


def test_halving_a_size_averages_without_aliasing():
    stripes = np.tile(np.array([0, 1], np.float32), 32)[None, None, None].repeat(8, 2)  # the finest stripes
    halved = resized(stripes, (4, 32))
    np.testing.assert_allclose(halved[..., 2:-2], 0.5, atol=0.01)


def test_plain_columns_hold_the_pixels_and_the_summaries_in_natural_units(xrays):
    modality = build()
    state = modality.fit(known(xrays))
    plain = modality.plain(known(xrays), state)
    assert plain.values.shape == (9, len(plain.names)) and len(set(plain.names)) == len(plain.names)
    np.testing.assert_allclose(plain.values[:, :30], np.stack(xrays).reshape(9, 30) / 255, atol=1e-6)
    mean = plain.values[:, plain.names.index("mean")]
    np.testing.assert_allclose(mean, np.stack(xrays).mean((1, 2, 3)) / 255, atol=1e-6)
    histogram = plain.values[:, [name.startswith("histogram") for name in plain.names]]
    np.testing.assert_allclose(histogram.sum(1), 1, atol=1e-6)


def test_large_images_give_at_most_28_by_28_plain_pixels():
    large = list(np.random.default_rng(0).integers(0, 256, (2, 3, 70, 40), dtype=np.uint8))
    modality = build()
    names = modality.plain(known(large), modality.fit(known(large))).names
    assert sum(name.startswith("pixel_") for name in names) == 28 * 28


def test_the_state_survives_json_and_gives_the_same_bits(xrays):
    modality = build()
    state = modality.fit(known(xrays))
    again = msgspec.json.decode(msgspec.json.encode(state), type=image.State)
    assert again == state
    first, second = (modality.read(known(xrays), s).values[np.arange(9)] for s in (state, again))
    np.testing.assert_array_equal(first, second)


def test_the_example_is_read_like_data_and_depends_on_the_seed_alone(xrays):
    modality = build()
    state = modality.fit(known(xrays))
    first, again, other = (modality.example(state, 4, seed) for seed in (1, 1, 2))
    read = [modality.read(example, state).values[np.arange(4)] for example in (first, again, other)]
    assert read[0].shape == (4, 1, 6, 5)
    np.testing.assert_array_equal(read[0], read[1])
    assert np.abs(read[0] - read[2]).max() > 0.1
    assert 0.1 < read[0].std() < 3


def test_nothing_to_fit_or_an_impossible_size_is_refused(xrays):
    with pytest.raises(DataError, match="no training row"):
        build(code="CT").fit(known(xrays))
    with pytest.raises(ConfigError, match="size"):
        build(size=0)
    modality = build()
    state = modality.fit(known(xrays))
    with pytest.raises(DataError, match="2 channels"):
        modality.read(known([np.zeros((2, 6, 5), np.uint8)]), state)
