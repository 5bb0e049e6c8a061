"""Losses that give one number for each entry or row, and the row weights that balance classes.

Nothing here reduces over the batch: the training loop weighs rows and reduces. Letters: B batch, K column, N rows.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sequela.types import Array

Distance: TypeAlias = Literal["mse", "mae", "huber"]


def binary_cross_entropy(logit: Tensor, label: Tensor, gamma: float = 0.0, smoothing: float = 0.0) -> Tensor:
    """The cross-entropy of each logit with its label, entry by entry; focal where `gamma` is above 0 (Lin 2017, eq. 4).

    A label is 0, 1 or between: then both sides count by their shares. `smoothing` moves it that share of the way to 0.5.
    """
    loss = functional.binary_cross_entropy_with_logits(logit, label * (1 - smoothing) + smoothing / 2, reduction="none")
    if gamma == 0:
        return loss
    # log of 1 - p_t, from the logit itself: 1 - sigmoid loses every digit where the net is sure
    of_one, of_none = ((gamma * functional.logsigmoid(side)).exp() for side in (-logit, logit))
    return loss * (label * of_one + (1 - label) * of_none)


def cross_entropy(logits: Tensor, label: Tensor, gamma: float = 0.0, smoothing: float = 0.0) -> Tensor:
    """The cross-entropy "B" of logits "B K" with class indices "B"; focal where `gamma` is above 0 (Lin 2017, eq. 4).

    `smoothing` shares that part of each label among all classes (Szegedy 2016).
    """
    loss = functional.cross_entropy(logits, label, reduction="none", label_smoothing=smoothing)
    if gamma == 0:
        return loss
    others = logits.scatter(1, label[:, None], -torch.inf)
    miss = others.logsumexp(1) - logits.logsumexp(1)  # log of 1 - p_t
    return loss * (gamma * miss).exp()


def distance(error: Tensor, kind: Distance) -> Tensor:
    """The error, entry by entry, squared (mse), absolute (mae), or squared up to 1 and straight beyond (huber, Huber 1964)."""
    if kind == "mse":
        return error.square()
    if kind == "mae":
        return error.abs()
    return functional.huber_loss(error, torch.zeros_like(error), reduction="none")


def mean_known(loss: Tensor, known: Tensor) -> Tensor:
    """The mean "B" of a row's known entries of "B K"; 0, without a gradient, where none is known."""
    return loss.where(known, 0.0).sum(1) / known.sum(1).clamp_min(1)


def filled(values: Tensor, known: Tensor) -> Tensor:
    """The labels with 0 where they are unknown, so that an unknown label (which may be NaN) never enters arithmetic."""
    return values.where(known, 0.0)


def balance(label: Array, known: Array, classes: int) -> Array:
    """Row weights, float32 "N", that give every class present the same total; 0 where the label is unknown, mean 1 elsewhere.

    A label between two classes is of both, by its shares.

    >>> balance(np.array([0, 0, 0, 1]), np.full(4, True), 2).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    found = np.where(known, label, 0)
    low = found.astype(np.int64)
    high, share = np.minimum(low + 1, classes - 1), found - low
    count = np.bincount(low[known], 1 - share[known], classes) + np.bincount(high[known], share[known], classes)
    each = np.divide(known.sum(), np.count_nonzero(count) * count, out=np.zeros(classes), where=count > 0)
    weight: Array = np.where(known, (1 - share) * each[low] + share * each[high], 0).astype(np.float32)
    return weight


def log_odds(label: Array, known: Array) -> Array:
    """The log-odds "K" of label 1 among the known of "N K", with half a row added to each side, so that it is finite."""
    ones = np.where(known, label, 0).sum(0)
    odds: Array = np.log((ones + 0.5) / (known.sum(0) - ones + 0.5))
    return odds


def shares(label: Array, known: Array, classes: int) -> Array:
    """The share "K" of each class among the known labels "N", with half a row added to each, so that none is 0."""
    count = np.bincount(label[known].astype(np.int64), minlength=classes) + 0.5
    share: Array = count / count.sum()
    return share
