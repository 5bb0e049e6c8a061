"""Each step of a text as plain columns, for baselines that judge steps: how long, how common and of what shape its words are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.modalities._text_cut import Cut
from sequela.modalities._text_steps import Laid
from sequela.text import shapes
from sequela.types import Array, Plain

NAMES = ("place", "words", "length", "subjects", *(f"shape.{name}" for name in shapes.NAMES))


def columns(cut: Cut, held: Array, bounds: Array, found: Laid) -> Plain:
    """NAMES of each step: its number in the row, how many words it has, and of these the mean.

    `held` are the training subjects that wrote each form, told as log(1 + subjects); step i of the documents has the words
    bounds[i]:bounds[i+1].
    """
    count = np.diff(bounds)
    each = np.concatenate([count[:, None], _means(_of_words(cut, held), bounds)], 1)[found.step]
    return Plain(np.concatenate([found.position[:, None], each], 1).astype(np.float32), NAMES)


def _of_words(cut: Cut, held: Array) -> Array:
    """Length, log of subjects, and shape as one of several, float32 "W 2+K"."""
    of_form = np.zeros((len(cut.forms), 1 + shapes.SHAPES), np.float32)
    of_form[:, 0] = np.log1p(held)
    of_form[np.arange(len(cut.forms)), 1 + _shapes(cut.forms)] = 1
    return np.concatenate([(cut.end - cut.begin)[:, None].astype(np.float32), of_form[cut.form]], 1)


def _shapes(forms: Sequence[str]) -> Array:
    return np.fromiter((shapes.shape(form) for form in forms), np.int64, len(forms))


def _means(values: Array, bounds: Array) -> Array:
    if len(bounds) - 1 == len(values):
        return values
    found: Array = np.add.reduceat(values, bounds[:-1], axis=0) / np.diff(bounds)[:, None] if len(values) else values
    return found
