"""Rules as a network is held to them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from sequela.config.trust import Rule
from sequela.errors import ConfigError
from sequela.model import rules
from sequela.types import Ruler, Seq, Spec

RULER = Ruler((0.0, 1.0, 10.0), (-1.0, 0.0, 2.0), 1.0)
SPECS = {
    "chart": Spec("measurements", (2,), "days", ("Creatinine", "Urea"), rulers=(RULER, RULER)),
    "patient": Spec("static", (3,), "index", ("Urea", "SEX=F", "SEX.missing"), rulers=(RULER, None, None)),
    "history": Spec("codes", (4,), "days", ("unknown or rare", "ICD9CM//250.00", "ICD9CM//401.9"), vocabulary=3),
}


def rule(**said: Any) -> Rule:
    return Rule(**{"feature": "Creatinine", "must_not": "lower"} | said)


def one(**said: Any) -> rules.Held:
    (held,) = rules.resolved([rule(**said)], SPECS, "binary", ("failure",))
    return held


def test_a_number_rises_where_it_was_seen_and_never_beyond_training() -> None:
    values = torch.tensor([[[-1.0, 0.3], [0.0, 0.3], [2.5, 0.3]], [[-1.0, 0.3], [0.0, 0.3], [0.0, 0.0]]])
    seen = torch.tensor([[[True, True], [False, True], [True, True]], [[False, True], [False, True], [False, False]]])
    seq = Seq(values, seen.any(2), torch.zeros(2, 3, dtype=torch.float64), seen)
    held = one(by=1.0)
    less, more = held.pair(seq)
    assert less is seq
    assert more.values[0, :, 0].tolist() == [0.0, 0.0, 2.5], "up by one unit; not seen; already beyond the largest of training"
    assert torch.equal(more.values[1], values[1]) and torch.equal(more.values[..., 1], values[..., 1])
    assert held.concerned(seq).tolist() == [True, False]


def test_a_code_rises_by_being_there() -> None:
    values, seen = torch.tensor([[[1, 2], [1, 0]], [[2, 0], [0, 0]]]), torch.tensor([[[1, 1], [1, 0]], [[1, 0], [0, 0]]]).bool()
    seq = Seq(values, seen.any(2), torch.zeros(2, 2, dtype=torch.float64), seen)
    held = one(feature="ICD9CM//250.00")
    less, more = held.pair(seq)
    assert more is seq
    assert less.seen.tolist() == [[[False, True], [False, False]], [[True, False], [False, False]]]
    assert held.concerned(seq).tolist() == [True, False]
    event = Seq(torch.tensor([[1, 2]]), torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 2, dtype=torch.float64))
    assert held.pair(event)[0].values.tolist() == [[0, 2]], "a step of its own is told as unknown"


@pytest.mark.parametrize(("way", "expected"), [("lower", [0.5, 0.0]), ("raise", [0.0, 0.25])])
def test_only_the_forbidden_way_is_wrong(way: str, expected: list[float]) -> None:
    low, high = torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.25])
    assert one(must_not=way).wrong(low, high).tolist() == expected


def test_the_log_odds_of_a_class_are_against_all_others() -> None:
    out = torch.tensor([[1.0, 2.0, -1.0]], dtype=torch.float64)
    chance = out.softmax(1)[0, 1].item()
    assert rules.log_odds(out, 1, "multiclass").item() == pytest.approx(np.log(chance / (1 - chance)))
    assert rules.log_odds(out, 1, "multilabel").item() == 2.0


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ({"feature": "Creatinin"}, "no input has the feature 'Creatinin'", "did you mean 'Creatinine'?"),
        ({"feature": "Urea"}, "is in several inputs: chart, patient", 'input = "chart"'),
        ({"input": "charts"}, "there is no input 'charts'", "did you mean 'chart'?"),
        ({"feature": "SEX=F"}, "'SEX=F' of inputs.patient is no number", "about numbers"),
        ({"of": "death"}, "there is no class or label 'death'", "known: failure"),
        ({"feature": "ICD9CM//401.9", "by": 2.0}, "is a code, there or not", "leave out by"),
    ],
)
def test_a_rule_about_what_is_not_there_is_refused_by_name(said: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        one(**said)
    assert hint in caught.value.hint


def test_rules_that_leave_no_way_to_move_are_refused() -> None:
    both = [rule(), rule(must_not="raise")]
    with pytest.raises(ConfigError, match="contradict themselves: a rising 'Creatinine' must neither lower nor raise 'failure'"):
        rules.resolved(both, SPECS, "binary", ("failure",))
    classes = ("none", "mild", "severe")
    apart = [rule(of="mild"), rule(of="severe", must_not="raise")]
    assert len(rules.resolved(apart, SPECS, "multiclass", classes)) == 2
    every = [rule(of=name) for name in classes]
    with pytest.raises(ConfigError, match="where a rising 'Creatinine' moves one class, another goes the other way"):
        rules.resolved(every, SPECS, "multiclass", classes)
    assert len(rules.resolved(every, SPECS, "multilabel", classes)) == 3, "labels stand alone"


def test_a_task_without_risks_has_no_rules() -> None:
    with pytest.raises(ConfigError, match="'segment' gives no risk"):
        rules.resolved([rule()], SPECS, "segment", ("tumour",))
    assert rules.resolved([], SPECS, "segment", ("tumour",)) == ()
