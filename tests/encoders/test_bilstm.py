"""A bidirectional LSTM over words, against torch's own, and its two dropouts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from sequela.encoders import bilstm, gru, lstm, tcn, transformer
from sequela.nn.dropout import StepDropout
from sequela.nn.words import Spelling
from sequela.types import Seq, Spec, Wording

SPEC = Spec("text", (6,), "index", vocabulary=12, words=Wording(5, 9))
SMALL = {"width": 4, "embedding": 5, "spelling": Spelling(characters=3, filters=6, shapes=2)}


def text(lengths: tuple[int, ...] = (7, 3, 0, 5)) -> Seq:
    random = torch.Generator().manual_seed(0)
    steps = max(lengths)
    values = torch.randint(1, 5, (len(lengths), steps, 6), generator=random)
    return Seq(values, torch.arange(steps) < torch.tensor(lengths)[:, None], torch.zeros(len(lengths), steps))


def made(seed: int = 0, **options: object) -> bilstm.BiLSTM:
    torch.manual_seed(seed)
    return bilstm.build(SPEC, bilstm.Config(**{**SMALL, **options}))


@pytest.mark.parametrize("layers", [1, 2])
def test_each_row_is_what_torch_makes_of_it_alone(layers: int) -> None:
    encoder, seq = made(layers=layers).eval(), text()
    theirs = nn.LSTM(encoder.inputs.width, 4, num_layers=layers, bidirectional=True, batch_first=True)
    for layer in range(layers):
        for cells, suffix in ((encoder.stack.ahead, ""), (encoder.stack.back, "_reverse")):
            for name, value in cells[layer].layer.named_parameters():
                theirs.get_parameter(name.replace("_l0", f"_l{layer}{suffix}")).data.copy_(value)
    found, inputs = encoder(seq), encoder.inputs(seq)
    for row, length in ((0, 7), (1, 3), (3, 5)):
        torch.testing.assert_close(found.steps[row, :length], theirs(inputs[row : row + 1, :length])[0][0])


def test_the_pooled_vector_is_that_of_the_steps_that_exist() -> None:
    found = made().eval()(text())
    torch.testing.assert_close(found.pooled[1], found.steps[1, :3].amax(0))
    assert (found.pooled[2] == 0).all() and found.pooled.shape == (4, made().width)


def test_variational_dropout_takes_a_feature_from_all_steps_of_a_row() -> None:
    steps = torch.ones(20, 6, 50)
    torch.manual_seed(0)
    kept: Tensor = StepDropout(0.5, variational=True)(steps)
    assert (kept == kept[:, :1]).all() and not (kept[0] == kept[1]).all()
    assert set(kept.unique().tolist()) == {0.0, 2.0} and abs(kept.mean() - 1) < 0.1
    each = StepDropout(0.5, variational=False)(steps)
    assert not (each == each[:, :1]).all() and set(each.unique().tolist()) == {0.0, 2.0}


def test_dropout_changes_nothing_outside_of_training() -> None:
    seq = text()
    encoder, other = made(dropout=0.9).eval(), made(dropout=0.0).eval()
    assert torch.equal(encoder(seq).steps, other(seq).steps)
    assert not torch.equal(encoder.train()(seq).steps, other(seq).steps)


@pytest.mark.parametrize("module", [lstm, gru, tcn, transformer])
def test_other_encoders_of_steps_read_the_spelling_of_words(module: object) -> None:
    torch.manual_seed(0)
    encoder, seq = module.build(SPEC, module.Config(width=8)).eval(), text()  # type: ignore[attr-defined]
    other = seq.values.clone()
    other[..., -1] = 7
    assert not torch.allclose(encoder(seq).pooled[0], encoder(replace(seq, values=other)).pooled[0])
