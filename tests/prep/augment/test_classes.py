"""Rare classes are changed more often, as is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.errors import ConfigError
from sequela.prep import augment
from sequela.types import Spec, Target

IMAGE = Spec("image", (1, 8, 8), "days", ("grey",), single=True)


def target(values, names, known=None):
    values = np.array(values, float)
    return Target(values, np.ones(values.shape, bool) if known is None else np.array(known), names)


def tensors(one):
    return Target(torch.as_tensor(one.values, dtype=torch.float32), torch.as_tensor(one.known), one.names)


def shares(options, kind, labels, generator, of, rows=600):
    """How often rows of each kind of label are changed."""
    change = augment.build([{"name": "brightness"} | options], IMAGE, augment.classes(kind, labels))
    each = len(labels.values)
    repeated = Target(*(torch.as_tensor(np.repeat(part, rows, 0)) for part in (labels.values, labels.known)), labels.names)
    seq = of(torch.zeros(each * rows, 1, *IMAGE.shape))
    changed = change.apply(seq, change.draw(seq, generator(3), repeated)).values.flatten(1).any(1)
    return changed.reshape(each, rows).float().mean(1)


def test_a_class_of_many_is_changed_as_many_times_as_often(of, generator):
    labels = target([[0], [1], [2]], ("BENIGN", "MALIGNANT", "OTHER"))
    found = shares({"often": 0.2, "classes": {"MALIGNANT": 3.0, "OTHER": 0.5}}, "multiclass", labels, generator, of)
    torch.testing.assert_close(found, torch.tensor([0.2, 0.6, 0.1]), atol=0.05, rtol=0)


def test_both_sides_of_a_yes_or_no_outcome_have_names(of, generator):
    found = shares({"often": 0.3, "classes": {"not PNEUMONIA": 3.0}}, "binary", target([[0], [1]], ("PNEUMONIA",)), generator, of)
    torch.testing.assert_close(found, torch.tensor([0.9, 0.3]), atol=0.05, rtol=0)


def test_the_rarer_the_oftener_up_to_always(of, generator):
    labels = target([[0], [0], [0], [0], [1], [1]], ("COMMON", "RARE"))
    found = shares({"often": 0.3, "classes": "rare"}, "multiclass", labels, generator, of)
    torch.testing.assert_close(found, torch.tensor([0.3] * 4 + [0.6] * 2), atol=0.06, rtol=0)
    found = shares({"often": 0.8, "classes": "rare"}, "multiclass", labels, generator, of)
    assert (found[4:] == 1).all()


def test_of_several_findings_the_largest_factor_counts_and_an_unknown_one_does_not(of, generator):
    labels = target([[0, 0], [1, 0], [1, 1], [0, 1]], ("MASS", "NODULE"), [[True, True]] * 3 + [[True, False]])
    found = shares({"often": 0.2, "classes": {"MASS": 2.0, "NODULE": 4.0}}, "multilabel", labels, generator, of)
    torch.testing.assert_close(found, torch.tensor([0.2, 0.4, 0.8, 0.2]), atol=0.05, rtol=0)


def test_without_the_labels_of_the_batch_every_row_is_changed_as_usual(of, generator):
    labels = target([[0], [1]], ("A", "B"))
    change = augment.build(
        [{"name": "brightness", "often": 0.5, "classes": {"B": 0.0}}], IMAGE, augment.classes("multiclass", labels)
    )
    seq = of(torch.zeros(400, 1, *IMAGE.shape))
    assert 0.4 < change(seq, generator()).values.flatten(1).any(1).float().mean() < 0.6


def test_an_unknown_class_and_a_task_without_classes_are_refused():
    labels = target([[0], [1]], ("NORMAL", "PNEUMONIA"))
    asked = {"name": "noise", "classes": {"PNEUMONA": 2.0}}
    with pytest.raises(ConfigError, match="no class is called 'PNEUMONA'") as refused:
        augment.build([asked], IMAGE, augment.classes("multiclass", labels))
    assert "did you mean 'PNEUMONIA'" in refused.value.hint
    with pytest.raises(ConfigError, match="the task has no classes"):
        augment.build([asked], IMAGE, augment.classes("regression", labels))
    with pytest.raises(ConfigError, match="classes"):
        augment.build([{"name": "noise", "classes": "common"}], IMAGE, augment.classes("multiclass", labels))
    assert augment.classes("regression", labels) is None
