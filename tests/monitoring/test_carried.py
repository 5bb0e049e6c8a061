"""States that are carried from row to row: as exact as reading all anew, and what is old is let go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.monitoring.conftest import BEATS, fixed
from tests.monitoring.test_monitor import followed, same

from sequela import config, registry
from sequela.bundle.bundle import Bundle
from sequela.contracts import Stateful
from sequela.monitoring.carried import carrier
from sequela.monitoring.file import from_store
from sequela.monitoring.monitor import Monitor
from sequela.store.store import Store
from sequela.types import Seq, Spec

Make = Callable[[str], Bundle]
CARRYING = ["lstm", "gru", "rnn", "mingru", '{ name = "gru", layers = 2 }', '{ name = "lstm", layers = 2, width = 5 }']


@pytest.mark.parametrize("encoder", CARRYING)
def test_states_go_on_as_if_all_were_read_anew(encoder: str, made: Make, ecg_store: Store) -> None:
    bundle, recording = made(fixed(encoder if encoder.startswith("{") else f'"{encoder}"')), from_store(ecg_store, "100")
    assert carrier(bundle.predictor, bundle.study, recording.signals) is not None
    same(followed(bundle, recording, 7), bundle.predict(ecg_store, "100"))


def test_a_record_without_end_is_not_held(made: Make, ecg_store: Store) -> None:
    recording = from_store(ecg_store, "100")
    monitor = Monitor(made(fixed('"gru"')).predictor, recording)
    for piece in recording.pieces(2.0):
        monitor.push(piece)
    (uri,) = monitor._held.events()["payload"].drop_nulls()
    assert monitor._held.open(uri).values.shape[1] < 45 * 250


@pytest.mark.parametrize(
    "study",
    [
        BEATS,
        fixed('"gru"', history="20s"),
        fixed('{ name = "gru", bidirectional = true }'),
        fixed('{ name = "gru", pool = "mean" }'),
        fixed('"transformer"'),
        fixed('"gru"').replace('every = "2s"', 'every = "2500ms"'),
        fixed('"gru"').replace("context", "most = 4, context"),
    ],
)
def test_nothing_is_carried_where_it_would_not_be_exact(study: str, made: Make, ecg_store: Store) -> None:
    bundle = made(study)
    assert carrier(bundle.predictor, bundle.study, from_store(ecg_store, "100").signals) is None


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "mingru", "cnn_rnn"])
def test_steps_in_two_parts_give_what_they_give_at_once(name: str) -> None:
    spec = Spec("waveform", (2, 40), "seconds", ("I", "II"), context=3)
    _, options = config.options("encoders", {"name": name, "layers": 2}, "encoder")
    torch.manual_seed(0)
    encoder = registry.module("encoders", name).build(spec, options).eval()
    assert isinstance(encoder, Stateful)
    assert encoder.carries
    values, context = torch.randn(1, 9, 2, 40), torch.randn(1, 3)
    with torch.inference_mode():
        whole = encoder(row(values, context))
        first, state = encoder.carry(row(values[:, :4], context), None, torch.tensor([1, 3]))
        second, _ = encoder.carry(row(values[:, 4:], context), state, torch.tensor([4]))
        short = encoder(row(values[:, :2], context))
    torch.testing.assert_close(torch.cat([first.steps, second.steps], 1), whole.steps, atol=1e-6, rtol=0)
    torch.testing.assert_close(second.pooled, whole.pooled, atol=1e-6, rtol=0)
    torch.testing.assert_close(first.pooled[:1], short.pooled, atol=1e-6, rtol=0)


def row(values: torch.Tensor, context: torch.Tensor) -> Seq:
    mask = torch.ones(values.shape[:2], dtype=torch.bool)
    return Seq(values, mask, torch.zeros(mask.shape, dtype=torch.float64), context=context)
