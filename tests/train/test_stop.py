from __future__ import annotations

import pytest

from sequela.config import Train
from sequela.errors import TrainingError
from sequela.train.state import Epoch
from sequela.train.stop import best_epoch, monitored, stalled


def history(losses: list[float | None], scores: list[float | None] | None = None) -> list[Epoch]:
    scores = scores or [None] * len(losses)
    return [
        Epoch(epoch=number, train_loss=0.0, tune_loss=loss, tune_score=score, lr=0.0, seconds=0.0)
        for number, (loss, score) in enumerate(zip(losses, scores, strict=True), 1)
    ]


def test_the_lowest_loss_is_best_and_the_first_of_equals() -> None:
    assert best_epoch(history([3, 1, 2, 1]), Train(patience=5)) == 2


def test_the_highest_score_is_best_where_it_is_watched() -> None:
    assert best_epoch(history([1, 2, 3], [0.5, 0.9, 0.7]), Train(patience=5, monitor="score")) == 2


@pytest.mark.parametrize(("losses", "patience", "expected"), [([3, 1, 2], 2, False), ([3, 1, 2, 1], 2, True), ([1, 2], 0, False)])
def test_training_stops_after_epochs_without_gain(losses: list[float | None], patience: int, expected: bool) -> None:
    assert stalled(history(losses), Train(patience=patience)) is expected


def test_the_last_epoch_is_kept_where_none_is_chosen() -> None:
    assert best_epoch(history([1, 2, 3]), Train(patience=0)) == 3
    assert best_epoch(history([None, None]), Train(patience=1)) == 2
    assert not stalled(history([None, None, None]), Train(patience=1))


def test_an_undefined_score_cannot_be_watched() -> None:
    with pytest.raises(TrainingError, match="undefined"):
        monitored(history([1.0])[0], "score")
