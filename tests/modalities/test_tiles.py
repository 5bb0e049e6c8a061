"""A slide or picture as its tiles: which there are, in what order, and where they lie."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from sequela.batch import collate
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.modalities import tiles
from sequela.modalities._synthetic import Held, events
from sequela.types import Known, Payload


def build(**options):
    return tiles.build(convert(options, tiles.Config))


def pictures(images, rows=None):
    """A picture a row, to be cut."""
    rows = list(range(len(images))) if rows is None else rows
    payloads = {f"u{i}": Payload(one) for i, one in enumerate(images)}
    said = {"row": rows, "position": [np.nan] * len(rows), "code": ["IMAGE"] * len(rows), "payload": list(payloads)}
    return Known(max(rows, default=-1) + 1, events(said), Held(payloads), {"IMAGE": "payload"})


def cut_before(places, tissue=None, side=4):
    """Tiles as a reader writes them: of each row a list of (top, left), whose values are their numbers."""
    flat = [(row, place) for row, of_row in enumerate(places) for place in of_row]
    payloads = {f"t{i}": Payload(np.full((1, side, side), i, np.uint8)) for i in range(len(flat))}
    said = {
        "row": [row for row, _ in flat],
        "position": [np.nan] * len(flat),
        "code": ["TILE"] * len(flat),
        "numeric_value": [1.0] * len(flat) if tissue is None else tissue,
        "text_value": [f"{top} {left} 2 0.5" for _, (top, left) in flat],
        "payload": list(payloads),
    }
    return Known(len(places), events(said), Held(payloads), {"TILE": "payload"})


def numbers(modality, known, state):
    """The value of each step by row, as stored."""
    ragged = modality.read(known, state)
    seq = collate({"x": ragged}, np.arange(len(ragged))).inputs["x"]
    raw = np.rint((seq.values[:, :, 0, 0, 0] * state.spread[0] + state.mean[0]) * 255).astype(int)
    return [row[mask].tolist() for row, mask in zip(raw, seq.mask, strict=True)]


@pytest.fixture
def photograph():
    return np.random.default_rng(0).integers(0, 256, (3, 20, 31), dtype=np.uint8)


def test_tiles_are_cut_in_reading_order_and_cover_the_picture(photograph):
    modality, known = build(tile=8), pictures([photograph])
    state = modality.fit(known)
    ragged, places = modality.read(known, state), modality.places(known).astype(int)
    assert places[:, :2].tolist() == [[top, left] for top in (0, 8, 12) for left in (0, 8, 16, 23)]
    assert ragged.position.tolist() == list(range(12)) and modality.spec(state).shape == (3, 8, 8)
    mean, spread = (np.array(n)[:, None, None] for n in (state.mean, state.spread))
    for step, (top, left, bottom, right) in enumerate(places):
        expected = (photograph[:, top:bottom, left:right] / 255 - mean) / spread
        np.testing.assert_allclose(ragged.values[ragged.take[[step]]][0], expected, atol=1e-4)


def test_tiles_overlap_by_their_step_and_are_seen_at_the_size_asked_for(photograph):
    modality, known = build(tile=8, step=6, size=4), pictures([photograph])
    state = modality.fit(known)
    assert len(modality.places(known)) == 3 * 5 and modality.spec(state).shape == (3, 4, 4)
    assert modality.read(known, state).values[np.array([0])].shape == (1, 3, 4, 4)


def test_empty_tiles_are_left_out_and_a_row_of_nothing_but_these_has_none():
    half = np.full((1, 8, 16), 240, np.uint8)
    half[:, :, 8:] = np.random.default_rng(0).integers(0, 255, (1, 8, 8))
    known = pictures([half, np.full_like(half, 240)])
    modality = build(tile=8, contrast=0.05)
    state = modality.fit(known)
    assert modality.read(known, state).lengths.tolist() == [1, 0] and modality.places(known)[0].tolist() == [0, 8, 8, 16]
    assert modality.refused(known, state) == ["", ""]


def test_tiles_of_a_reader_come_in_reading_order_whatever_their_order_in_the_store():
    known = cut_before([[(8, 0), (0, 8), (0, 0)], [], [(0, 16)]])
    modality = build()
    state = modality.fit(known)
    assert numbers(modality, known, state) == [[2, 1, 0], [], [3]]
    assert modality.places(known)[1].tolist() == [0, 8, 8, 16], "a pixel of the tile spans two of the whole"


def test_tiles_with_too_little_tissue_are_left_out():
    known = cut_before([[(0, 0), (0, 8), (0, 16)], [(0, 0)]], tissue=[0.9, 0.4, 0.6, None])
    modality = build(tissue=0.5)
    assert numbers(modality, known, modality.fit(known)) == [[0, 2], [3]]


def test_of_many_tiles_those_evenly_spaced_are_kept():
    known = cut_before([[(0, 8 * i) for i in range(10)], [(0, 0), (0, 8)]])
    modality = build(most=4)
    assert numbers(modality, known, modality.fit(known)) == [[1, 3, 6, 8], [10, 11]]


def test_distance_runs_along_the_reading_order_in_sides_of_a_tile():
    known = cut_before([[(0, 0), (0, 8), (0, 32)], [(0, 0), (24, 32)]])
    modality = build(position="distance")
    ragged = modality.read(known, modality.fit(known))
    np.testing.assert_allclose(ragged.position, [0, 1, 4, 0, 5])


def test_a_row_without_tiles_troubles_no_other_and_is_counted_as_having_none():
    known = cut_before([[(0, 0), (0, 8)], []])
    modality = build()
    state = modality.fit(known)
    plain = modality.plain(known, state)
    assert plain.values[:, 0].tolist() == [2, 0] and np.isnan(plain.values[1, 1:]).all()
    np.testing.assert_allclose(
        plain.values[0, [plain.names.index(f"grey.mean.{w}") for w in ("mean", "least", "most")]] * 255, [0.5, 0, 1]
    )


def test_the_state_survives_json(photograph):
    for modality in (build(tile=8), build(tile=8, scale="each")):
        state = modality.fit(pictures([photograph]))
        assert msgspec.json.decode(msgspec.json.encode(state), type=tiles.State) == state


@pytest.mark.parametrize("options", [{}, {"tile": 4}, {"tile": 4, "step": 3, "position": "distance"}])
def test_the_example_has_several_tiles_a_row(options):
    modality = build(**options)
    known = pictures([np.arange(96, dtype=np.uint8).reshape(1, 8, 12)]) if options else cut_before([[(0, 0), (0, 8)]])
    state = modality.fit(known)
    example = modality.example(state, 5, 0)
    assert modality.read(example, state).lengths.tolist() == [3] * 5


def test_tiles_unlike_those_of_training_are_refused(photograph):
    modality = build()
    state = modality.fit(cut_before([[(0, 0)]]))
    other = cut_before([[(0, 0), (0, 8)], []], side=6)
    reasons = modality.refused(other, state)
    assert "6 × 6, those of training 4 × 4" in reasons[0] and reasons[1] == ""
    with pytest.raises(DataError, match="2 of 2 tiles"):
        modality.read(other, state)
    small = build(tile=8)
    fitted = small.fit(pictures([photograph]))
    reasons = small.refused(pictures([photograph[:, :6], photograph[:, None]]), fitted)
    assert "smaller than a tile of 8" in reasons[0] and "a volume" in reasons[1]


def test_nothing_to_fit_or_options_that_exclude_each_other_are_refused():
    with pytest.raises(DataError, match="no training row has a tile"):
        build().fit(cut_before([[]]))
    with pytest.raises(ConfigError, match="cut here"):
        build(step=4)
    with pytest.raises(ConfigError, match="a reader cut"):
        build(tile=4, tissue=0.5)
