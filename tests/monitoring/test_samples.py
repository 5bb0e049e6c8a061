"""What is let go of a signal moves no stamp of what stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.monitoring.recording import SECOND, Signal
from sequela.monitoring.samples import Samples
from sequela.types import Payload

RATES = [360.0, 250.0, 173.61, 128.0, 1.0, 499.5]


def signal(rate_hz: float, start: int = 7) -> Signal:
    return Signal("one", "WAVEFORM", start, Payload(np.zeros((2, 0), np.float32), rate_hz, ("I", "II"), "mV"))


@given(st.sampled_from(RATES), st.lists(st.integers(0, 900), min_size=1, max_size=8), st.integers(0, 400))
def test_what_stays_is_what_came_at_its_own_stamps(rate_hz: float, counts: list[int], seconds: int) -> None:
    samples, given_ = Samples(signal(rate_hz)), np.zeros((2, 0), np.float32)
    for count in counts:
        new = np.arange(given_.shape[1], given_.shape[1] + count, dtype=np.float32)
        given_ = np.concatenate([given_, np.stack([new, -new])], 1)
        samples.append(given_[:, given_.shape[1] - count :])
        samples.forget(seconds * SECOND)
    gone = samples.forgotten
    np.testing.assert_array_equal(samples.payload.values, given_[:, gone:])
    for k in range(0, given_.shape[1] - gone, 97):
        assert samples.start + round(k / rate_hz * SECOND) == samples.signal.stamp(gone + k)


@given(st.sampled_from(RATES), st.integers(0, 10**6))
def test_a_sample_has_come_when_its_stamp_has_passed(rate_hz: float, sample: int) -> None:
    one = signal(rate_hz)
    stamp = one.stamp(sample)
    assert one.count(stamp + 1) == sample + 1
    assert one.count(stamp - 1) <= sample  # one that lies half-way between two microseconds has come at either


def test_a_piece_of_other_channels_is_refused() -> None:
    with pytest.raises(DataError, match="2 channels"):
        Samples(signal(10.0)).append(np.zeros((3, 4), np.float32))
