"""Stretches that an answer rests on, held against beats whose classes differ where it is known: in the QRS complex."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela import seed as streams
from sequela.encoders import resnet1d
from sequela.explain import stretches
from sequela.simulate import ecg
from sequela.types import Array, Seq, Spec

RATE, BEFORE, AFTER = 125, 31, 56  # Hz, and samples of a window before and after the R peak
QRS = (-0.12, 0.18)  # seconds around the R peak: from the onset of a normal complex to the end of a ventricular one


def seq(values: Tensor) -> Seq:
    count = len(values)
    return Seq(values, torch.ones(count, 1, dtype=torch.bool), torch.zeros(count, 1, dtype=torch.float64))


def beats(first: int, records: int) -> tuple[Tensor, Array]:
    """Windows "n 1 2 L" around the normal and ventricular beats of simulated records, and which are ventricular."""
    windows, ventricular = list[Array](), list[bool]()
    for number in range(first, first + records):
        random = streams.generator(0, "stretches", number)
        found = ecg.rhythm(random)
        signal = ecg.signal(found, random).T[:, :: ecg.RATE_HZ // RATE]
        for sample, kind in zip((found.sample * RATE // ecg.RATE_HZ).tolist(), found.kind.tolist(), strict=True):
            if kind in "NV" and BEFORE <= sample < signal.shape[1] - AFTER:
                windows.append(signal[:, sample - BEFORE : sample + AFTER])
                ventricular.append(kind == "V")
    return torch.tensor(np.stack(windows)[:, None], dtype=torch.float32), np.array(ventricular)


class Judge(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = resnet1d.build(Spec("waveform", (2, BEFORE + AFTER), "seconds", single=True), resnet1d.Config(width=8))
        self.out = nn.Linear(self.encoder.width, 1)

    def forward(self, given: Seq) -> Tensor:
        logit: Tensor = self.out(self.encoder(given).pooled)[:, 0]
        return logit

    @torch.no_grad()
    def told(self, given: Seq) -> Array:
        """The log-odds that each beat is ventricular."""
        logit: Array = self(given).double().numpy()
        return logit


@pytest.fixture(scope="module")
def judge() -> Judge:
    """A network that has learnt to tell ventricular beats from normal ones."""
    torch.manual_seed(0)
    made = Judge()
    optimizer = torch.optim.AdamW(made.parameters(), 5e-3)
    values, ventricular = beats(0, 6)
    event = torch.tensor(ventricular, dtype=torch.float32)
    for step in range(40):
        some = torch.arange(step % 8, len(values), 8)
        loss = nn.functional.binary_cross_entropy_with_logits(made(seq(values[some])), event[some])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return made.eval()


def test_shading_of_ventricular_beats_lies_on_their_qrs_complex(judge: Judge) -> None:
    values, ventricular = beats(100, 3)
    assert ((judge.told(seq(values)) > 0) == ventricular).mean() > 0.95
    fall = stretches.fall(judge.told, seq(values[ventricular]))[:, 0]
    seconds = (np.arange(BEFORE + AFTER) - BEFORE) / RATE
    inside = (seconds >= QRS[0]) & (seconds <= QRS[1])
    share = np.maximum(fall, 0)[:, inside].sum() / np.maximum(fall, 0).sum()
    assert inside.mean() < 0.45  # what shading anywhere would have there
    assert share > 0.7  # 0.82 when this was written


def test_what_an_answer_does_not_see_has_no_weight() -> None:
    values = torch.randn(3, 2, 1, 64, generator=torch.Generator().manual_seed(0))
    found = stretches.fall(lambda given: given.values[:, 1, 0, 32:].sum(1).double().numpy(), seq_of_two(values))
    assert not found[:, 0].any() and not found[:, 1, :28].any() and found[:, 1, 32:].any()


def seq_of_two(values: Tensor) -> Seq:
    mask = torch.tensor([[True, True], [True, True], [True, False]])
    return Seq(values, mask, torch.zeros(3, 2, dtype=torch.float64))


def test_padding_has_no_weight() -> None:
    values = torch.randn(3, 2, 1, 64, generator=torch.Generator().manual_seed(0))
    found = stretches.fall(lambda given: given.values.sum((1, 2, 3)).double().numpy(), seq_of_two(values))
    assert found[1, 1].any() and not found[2, 1].any()


def test_a_straight_signal_is_left_as_it_is() -> None:
    line = torch.linspace(-1, 3, 50).expand(2, 3, 50)
    for part in stretches.parts(50, 8):
        if part.start and part.stop < 50:
            torch.testing.assert_close(stretches.straight(line, part), line)


@pytest.mark.parametrize("samples", [1, 5, 16, 47, 250])
def test_stretches_cover_a_window_and_are_of_one_length(samples: int) -> None:
    found = list(stretches.parts(samples, stretches.COVERS))
    times = np.zeros(samples)
    for part in found:
        times[part] += 1
    assert times.min() >= 1 and len({part.stop - part.start for part in found}) == 1 and found[-1].stop == samples
