"""Which epoch was best and whether it is time to stop: functions of the history alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sequela.config import Train
from sequela.errors import TrainingError
from sequela.train.state import Epoch


def monitored(epoch: Epoch, monitor: Literal["loss", "score"]) -> float:
    """The tune result that is watched, higher is better; 0 where there is no tune part.

    Raises TrainingError where the score is undefined.
    """
    if epoch.tune_loss is None:
        return 0.0
    if monitor == "loss":
        return -epoch.tune_loss
    if epoch.tune_score is None:
        raise TrainingError(
            "the score on the tune part is undefined: its labels are all of one class", hint='set train.monitor = "loss"'
        )
    return epoch.tune_score


def best_epoch(history: Sequence[Epoch], settings: Train) -> int:
    """The epoch, counted from 1, whose weights are kept: the first of the best, or the last where none is chosen."""
    if settings.patience == 0 or history[-1].tune_loss is None:
        return len(history)
    values = [monitored(epoch, settings.monitor) for epoch in history]
    return values.index(max(values)) + 1


def stalled(history: Sequence[Epoch], settings: Train) -> bool:
    """Whether `patience` epochs in a row were no better than the best."""
    return settings.patience > 0 and len(history) - best_epoch(history, settings) >= settings.patience
