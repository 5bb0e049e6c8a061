"""Rules and concepts held against a model, and told in the report."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela import config, registry
from sequela.config.trust import Rule
from sequela.contracts import Task
from sequela.evaluate.knowledge import KnowledgeFacts, RuleFacts, concept_facts, rule_facts
from sequela.evaluate.report.sections import knowledge as sections
from sequela.explain.concepts import Gathered
from sequela.explain.counterfactual import Judge
from sequela.explain.rules import Tried, tried
from sequela.model import rules
from sequela.types import Ragged, Ruler, Seq, Spec

RULER = Ruler((0.0, 10.0), (-5.0, 5.0), 1.0)
SPECS = {"chart": Spec("measurements", (2,), "days", ("Creatinine", "Lactate"), rulers=(RULER, RULER))}


class Falling(nn.Module):
    """The logit falls with the first feature in rows whose second is above 0, and rises with it in all others."""

    def seen(self, inputs: Mapping[str, Seq]) -> list[dict[str, Seq]]:
        return [dict(inputs)]

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        first, second = inputs["chart"].values.unbind(-1)
        out: Tensor = torch.where(second > 0, -first, first).mean(1, keepdim=True)
        return out


def held(must_not: str = "lower", by: float = 1.0) -> rules.Held:
    (one,) = rules.resolved([Rule(feature="Creatinine", must_not=must_not, by=by)], SPECS, "binary", ("failure",))  # type: ignore[arg-type]
    return one


def judge() -> Judge:
    name, options = config.options("tasks", "binary", "task")
    task: Task = registry.module("tasks", name).build(options, ("failure",))
    return Judge([Falling()], task, [0.5])  # type: ignore[list-item]  # it answers as a Model does


def chart(second: list[float]) -> Ragged:
    values = np.stack([np.linspace(-1, 1, len(second)), second], 1).astype(np.float32)
    return Ragged(np.arange(len(second) + 1), values, np.zeros(len(second)), np.ones(values.shape, bool))


def counted(one: rules.Held, found: Tried, rows: int = 4) -> RuleFacts:
    who = np.arange(rows), np.array([f"row{k}" for k in range(rows)])
    return rule_facts(one, "failure", found, who, count=200, seed=0)


def test_a_planted_violation_is_found_row_by_row() -> None:
    found = tried(judge(), {"chart": chart([1.0, -1.0, 1.0, -1.0])}, held())
    assert found.rows.tolist() == [0, 1, 2, 3]
    facts = counted(held(), found)
    assert (facts.violations, facts.rows, facts.share) == (2, 4, 0.5)
    assert {one.row_id for one in facts.worst} == {"row0", "row2"}
    assert facts.log_odds == pytest.approx(1.0, abs=1e-5), "one unit up is one log-odds down"
    assert facts.low is not None and facts.high is not None and facts.low < 0.5 < facts.high
    assert all(one.more < one.less for one in facts.worst)


def test_the_other_way_round_the_other_rows_break_the_rule() -> None:
    facts = counted(held("raise"), tried(judge(), {"chart": chart([1.0, -1.0, 1.0, -1.0])}, held("raise")))
    assert {one.row_id for one in facts.worst} == {"row1", "row3"}


def test_what_none_breaks_still_has_an_interval_and_what_none_has_seen_has_nothing() -> None:
    facts = counted(held(), tried(judge(), {"chart": chart([-1.0] * 4)}, held()))
    assert (facts.violations, facts.share, facts.low, facts.log_odds, facts.worst) == (0, 0.0, 0.0, None, [])
    assert facts.high is not None and 0.3 < facts.high < 0.7, "of four patients little is known"
    unseen = Ragged(np.arange(5), np.zeros((4, 2), np.float32), np.zeros(4), np.zeros((4, 2), bool))
    facts = counted(held(), tried(judge(), {"chart": unseen}, held()))
    assert (facts.rows, facts.share, facts.low) == (0, None, None)


def test_concepts_are_told_by_the_size_of_their_sums() -> None:
    facts = concept_facts(Gathered("panels", ("renal", "other"), np.array([[1.0, -3.0], [-1.0, -3.0]])))
    assert [(one.name, one.mean_absolute, one.mean, one.share) for one in facts] == [
        ("other", 3.0, -3.0, 0.75),
        ("renal", 1.0, 0.0, 0.25),
    ]


def shown(facts: KnowledgeFacts | None) -> str:
    run: Any = SimpleNamespace(trusted=SimpleNamespace(knowledge=facts))
    return sections.knowledge(run).markup


def test_the_report_names_each_rule_and_the_rows_that_break_it() -> None:
    broken = counted(held(), tried(judge(), {"chart": chart([1.0, -1.0, 1.0, -1.0])}, held()))
    gathered = concept_facts(Gathered("loinc_panels", ("renal", "other"), np.array([[1.0, -3.0]])))
    page = shown(
        KnowledgeFacts(part="test", method="gradient_shap", scale="log-odds", explained=1, rules=[broken], concepts=gathered)
    )
    assert "The model breaks a rule of the study in 2 of 4 rows" in page
    assert "row0" in page and "row1" not in page
    assert "renal" in page and "Gradient SHAP" in page and "Panels of measurements." in page
    kept = counted(held(), tried(judge(), {"chart": chart([-1.0] * 4)}, held()))
    assert "breaks a rule" not in shown(KnowledgeFacts(part="test", rules=[kept]))
    assert shown(None) == ""
