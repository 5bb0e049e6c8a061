"""Signals as drawings: real size, gaps, what is true above what is said, shading, and how large a file is."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sequela.errors import DataError
from sequela.evaluate.report import ink
from sequela.evaluate.report.shading import AGAINST, FOR
from sequela.evaluate.report.traces import Drawing, Moment, Stretch, ecg_strip, montage
from sequela.types import Array

SVG = "{http://www.w3.org/2000/svg}"
LINE = f".//{SVG}path[@stroke-linejoin='round']"


def drawn(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def points(line: ElementTree.Element) -> list[Array]:
    """The runs of a trace, in millimetres "P 2"."""
    runs = []
    for run in line.attrib["d"].split("M")[1:]:
        begin, _, steps = run.partition("l")
        moved = np.array(re.findall(r"-?\d+", steps), int).reshape(-1, 2)
        first = np.array(re.findall(r"-?\d+", begin.removesuffix("h0")), int)
        runs.append(np.cumsum([first, *moved], axis=0) / ink.FINE)
    return runs


def labels(markup: str) -> list[str]:
    return [one.text or "" for one in drawn(markup).iter(f"{SVG}text")]


def square(seconds: float, rate_hz: float = 500) -> Array:
    """A lead "1 L" that is 0, and 1 mV for the second half."""
    lead = np.zeros((1, int(seconds * rate_hz)))
    lead[:, lead.shape[1] // 2 + 1 :] = 1.0
    return lead


def test_a_second_is_25_millimetres_and_a_millivolt_10() -> None:
    whole = drawn(ecg_strip(square(8), 500, ["II"]).markup)
    (run,) = points(whole.find(LINE))  # type: ignore[arg-type]
    assert run[-1, 0] - run[0, 0] == pytest.approx(8 * 25, abs=2 * ink.COLUMN)
    assert run[0, 1] - run[-1, 1] == pytest.approx(10, abs=2 / ink.FINE)
    _, _, width, height = map(float, whole.attrib["viewBox"].split())
    assert whole.attrib["width"] == f"{width:.1f}mm" and whole.attrib["height"] == f"{height:.1f}mm"


def test_the_paper_has_squares_of_one_and_five_millimetres_and_each_lead_its_pulse() -> None:
    markup = ecg_strip(np.zeros((3, 1000)), 250, ["I", "II", "V1"]).markup
    small, large = re.findall(r'<path d="([MVH0-9. ]+)" stroke="#(?:f7dcd7|eaa9a0)"', markup)
    across = [np.unique([float(x) for x, _ in re.findall(r"M([\d.]+) ([\d.]+)V", rule)]) for rule in (small, large)]
    assert np.allclose(np.diff(across[0]), 1) and np.allclose(np.diff(across[1]), 5) and len(across[0]) == 101
    assert markup.count("h1.5v-10h5v10h1.5") == 3 and {"I", "II", "V1"} <= set(labels(markup))


def test_a_gap_is_left_open_and_a_lone_sample_still_seen() -> None:
    lead = np.sin(np.arange(1000) / 20.0)[None]
    lead[0, 300:500], lead[0, 501:600] = np.nan, np.nan
    markup = ecg_strip(lead, 250, ["II"]).markup
    runs = points(drawn(markup).find(LINE))  # type: ignore[arg-type]
    assert [len(run) for run in runs] == [300, 1, 400] and "open: not recorded" in labels(markup)
    assert runs[1][0, 0] - runs[0][-1, 0] == pytest.approx((500 - 299) / 250 * 25, abs=0.05)


@given(some.lists(some.floats(-5, 5), min_size=1, max_size=400), some.integers(1, 50))
def test_thinning_keeps_the_highest_and_the_lowest_and_their_order(values: list[float], columns: int) -> None:
    held = np.array(values)
    index, kept = ink.thinned(held, columns)
    assert len(kept) <= max(2 * columns, 1) or len(held) <= 2 * columns
    assert kept.max() == held.max() and kept.min() == held.min()
    assert (np.diff(index) >= 0).all() and (held[index] == kept).all()


def test_long_recordings_of_many_channels_stay_small() -> None:
    random = np.random.default_rng(0)
    signal = random.normal(size=(21, 30 * 256)).cumsum(1)
    shading = np.clip(random.normal(size=signal.shape).cumsum(1) / 50, -1, 1)
    names = [f"E{k}" for k in range(21)]
    assert len(montage(signal, 256, names, "uV", Drawing(shading=shading)).markup) < 200_000
    assert len(ecg_strip(signal[:12] / 50, 256, names[:12]).markup) < 200_000


def test_what_is_said_lies_below_what_is_true_and_a_wrong_answer_has_another_shape() -> None:
    true = [Moment(1, "N"), Moment(2, "V")]
    said = [Moment(1, "N"), Moment(2, "S", wrong=True)]
    root = drawn(ecg_strip(square(4), 500, ["II"], Drawing(true=true, said=said)).markup)
    place = {one.text: float(one.attrib["y"]) for one in root.iter(f"{SVG}text")}
    assert place["true"] < place["said"] and place["V"] == place["true"] and place["S"] == place["said"]
    groups = {group.findtext(f"{SVG}text"): group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None}
    assert groups["S"].find(f"{SVG}rect") is not None and groups["V"].find(f"{SVG}rect") is None
    assert len(groups["S"].findall(f"{SVG}path")) == 1 and "m0-1.6l-1.6 1.6" in groups["S"].findall(f"{SVG}path")[0].attrib["d"]
    assert "a wrong answer, boxed" in place and "Of what is said, 1 are wrong." in (root.findtext(f"{SVG}desc") or "")


@given(some.lists(some.floats(0, 10), min_size=2, max_size=40), some.sampled_from(["V", "ventricular", "N-Brugada"]))
def test_labels_of_moments_do_not_lie_over_each_other(times: list[float], label: str) -> None:
    frame = ink.Frame(15, 250, 25)
    row = ink.moments("true", [Moment(time, label) for time in times], frame, 0)
    said = [(float(x), text) for x, text in re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="middle"[^>]*>([^<]*)</text>', row)]
    ends = [(x - ink.wide(text) / 2, x + ink.wide(text) / 2) for x, text in said if text]
    assert len(said) == len(times)
    assert all(right <= left + 0.02 for (_, right), (left, _) in pairwise(ends))


def test_very_many_moments_of_one_label_are_drawn_as_stretches() -> None:
    frame = ink.Frame(15, 250, 25)
    row = ink.moments("said", [Moment(k / 20, "QRS" if k < 100 else "T") for k in range(200)], frame, 0)
    assert re.findall(r"<title>(\w+)</title>", row) == ["QRS", "T"]


def test_shading_lies_where_its_stretch_is_and_stripes_say_against() -> None:
    shading = [Stretch(1, 2, 1.0), Stretch(3, 4, -1.0)]
    markup = ecg_strip(square(8), 500, ["II"], Drawing(shading=shading)).markup
    found = {fill: path for path, fill in re.findall(r'<path d="([^"]+)" fill="(#\w+)" fill-opacity="0.600"', markup)}
    assert re.match(r"M40\.0 [\d.]+h25\.0v", found[FOR])
    stripes = [float(x) for x in re.findall(r"M([\d.]+) [\d.]+h0\.5", found[AGAINST])]
    assert len(stripes) == 25 and min(stripes) >= 90 and max(stripes) <= 115 and np.allclose(np.diff(stripes), 1)
    assert {"speaks for the answer", "speaks against it"} <= set(labels(markup))


def test_weights_of_samples_and_of_stretches_draw_the_same() -> None:
    weight = np.zeros(4000)
    weight[500:1000] = 0.75
    each = [ecg_strip(square(8), 500, ["II"], Drawing(shading=one)).markup for one in (weight, [Stretch(1, 2, 0.75)])]
    assert each[0] == each[1]


def test_channels_of_a_montage_share_a_scale_that_its_bar_tells() -> None:
    wave = np.sin(np.arange(2560) / 40.0)
    markup = montage(np.stack([wave * 0.1, wave * 0.05]), 256, ["Fp1", "Fp2"], "mV").markup
    high, low = (float(np.ptp(np.concatenate(points(line))[:, 1])) for line in drawn(markup).findall(LINE))
    assert high == pytest.approx(2 * low, rel=0.02)
    (bar,) = [label for label in labels(markup) if label.endswith("µV")]
    ((top, foot),) = re.findall(r'M[\d.]+ ([\d.]+)V([\d.]+)" stroke="#1d2329" stroke-width="0.6"', markup)
    assert float(bar.split()[0]) / (float(foot) - float(top)) == pytest.approx(200 / high, rel=0.02)


def test_units_that_differ_have_a_scale_each() -> None:
    wave = np.sin(np.arange(2560) / 40.0)
    said = labels(montage(np.stack([wave, wave * 60]), 256, ["II", "ABP"], "mV,mmHg").markup)
    assert {"1 mV", "50 mmHg"} <= set(said)


def test_a_channel_that_leaves_its_room_is_cut_off_and_named() -> None:
    wild = np.zeros((1, 1000))
    wild[0, 500] = 9.0
    assert "cut off at the edge: V1" in labels(ecg_strip(wild, 250, ["V1"]).markup)


def test_text_of_a_study_is_escaped() -> None:
    markup = ecg_strip(square(2), 500, ["<b>"], Drawing(title="a & b", said=[Moment(1, "<i>")])).markup
    assert drawn(markup).findtext(f"{SVG}title") == "a & b" and "<b>" not in markup and "<i>" not in markup


@pytest.mark.parametrize(
    ("values", "shading", "said"),
    [
        (np.zeros((2, 10)), None, "names of channels"),
        (np.zeros((1, 0)), None, "do not make a picture"),
        (np.zeros((1, 10)), np.zeros(9), "weights of shape"),
        (np.zeros((1, 10)), np.full(10, 1.5), "a weight of 1.5"),
    ],
)
def test_what_does_not_fit_is_not_drawn(values: Array, shading: Array | None, said: str) -> None:
    with pytest.raises(DataError, match=said):
        ecg_strip(values, 10, ["II"], Drawing(shading=shading))
