"""Hidden codes: what is hidden is told from around it, what is judged is the same each time, and the encoder never sees it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.tasks import masked
from sequela.tasks.masked import EVERY, HiddenCodes, Masked
from sequela.types import Encoded, Ragged, Seq, Spec, Target

VOCABULARY, WIDTH = 9, 9
LETTERS = Spec("residues", (), "index", tuple("?ABCDEFGH"), vocabulary=VOCABULARY)


def ragged(rows: list[list[int]]) -> Ragged:
    offsets = np.cumsum([0, *map(len, rows)])
    values = np.array([one for row in rows for one in row], np.int32)
    return Ragged(offsets, values, np.arange(len(values), dtype=float))


def padded(rows: list[list[int]]) -> Seq:
    mask = torch.arange(max([1, *map(len, rows)])) < torch.tensor([len(row) for row in rows])[:, None]
    values = torch.zeros(mask.shape, dtype=torch.int64)
    values[mask] = torch.tensor([one for row in rows for one in row], dtype=torch.int64)
    return Seq(values, mask, torch.zeros(mask.shape, dtype=torch.float64))


class Seen:
    """An encoder whose steps are their codes, one-hot; it keeps what it was shown."""

    def __call__(self, seq: Seq) -> Encoded:
        self.values = seq.values
        return Encoded(torch.nn.functional.one_hot(seq.values, WIDTH).float(), seq.mask, None)


def head(share: float = 0.5) -> HiddenCodes:
    torch.manual_seed(0)
    return HiddenCodes(WIDTH, VOCABULARY, masked.Config(masked=share))


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, VOCABULARY - 1), max_size=3 * EVERY), min_size=1, max_size=6))
def test_the_target_counts_exactly_what_is_judged(rows: list[list[int]]) -> None:
    seq, target = padded(rows), masked.own_target({"letters": ragged(rows)}, {"letters": LETTERS})
    asked = masked.judged(seq.values, seq.mask)
    assert asked.sum(1).tolist() == target.values[:, 0].tolist()
    assert not (asked & (~seq.mask | (seq.values == 0))).any()
    out = head().eval().rolled(Seen(), seq)
    assert out[:, 0].tolist() == target.values[:, 0].tolist()


def test_what_is_judged_is_hidden_from_the_encoder_and_nothing_else_is() -> None:
    rows, seen = [[1 + k % 8 for k in range(30)], [2] * 5], Seen()
    seq = padded(rows)
    head().eval().rolled(seen, seq)
    asked = masked.judged(seq.values, seq.mask)
    assert (seen.values[asked] == 0).all() and (seen.values[~asked] == seq.values[~asked]).all()


def test_in_training_four_fifths_of_what_is_chosen_is_hidden_and_a_tenth_is_another_code() -> None:
    seq, seen = padded([[3] * 4000]), Seen()
    torch.manual_seed(1)
    out = head(0.25).train().rolled(seen, seq).detach()
    chosen = float(out[0, 0])
    assert chosen / 4000 == pytest.approx(0.25, abs=0.03)
    assert float((seen.values == 0).sum()) / chosen == pytest.approx(0.8, abs=0.05)
    other = float(((seen.values != 0) & (seen.values != 3)).sum())
    assert other / chosen == pytest.approx(0.1 * 7 / 8, abs=0.03)


def test_the_nats_are_of_the_hidden_codes_alone() -> None:
    rows, own = [[1, 2, 3, 4, 5, 6, 7, 8]], head().eval()
    seq = padded(rows)
    (place,) = torch.nonzero(masked.judged(seq.values, seq.mask))[:, 1].tolist()
    expected = -own.out(torch.nn.functional.one_hot(torch.tensor(0), WIDTH).float()).log_softmax(0)[rows[0][place]]
    torch.testing.assert_close(own.rolled(Seen(), seq)[0, 1], expected)


def test_a_row_weighs_what_it_has_when_judged_however_much_was_drawn() -> None:
    task = Masked(masked.Config(), LETTERS.names)
    out = torch.tensor([[4.0, 8.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0]])
    target = Target(torch.tensor([[3.0], [5.0], [0.0]]), torch.tensor([[True], [True], [False]]), LETTERS.names)
    assert task.loss(out, target).tolist() == [6.0, 0.0, 0.0]


def test_steps_of_several_codes_and_rows_that_hide_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="several codes"):
        masked.own_names({"visits": Spec("codes", (3,), "days", vocabulary=4)})
    target = masked.own_target({"letters": ragged([[1], []])}, {"letters": LETTERS})
    with pytest.raises(DataError, match="none of 2"):
        Masked(masked.Config(), LETTERS.names).check(target)
