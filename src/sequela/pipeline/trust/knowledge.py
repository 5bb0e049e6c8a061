"""By what concepts the answers of a finished run move, and how often they go against the rules of its study."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from sequela.errors import UsageError
from sequela.evaluate.knowledge import ConceptFacts, KnowledgeFacts, RuleFacts, concept_facts, rule_facts
from sequela.explain.attribution import Options, attribute, default, suited
from sequela.explain.concepts import gathered
from sequela.explain.rules import tried
from sequela.pipeline import counterfactuals
from sequela.pipeline.explaining.material import Material
from sequela.pipeline.knowledge import concept_sets, held_rules
from sequela.pipeline.trust.finished import Finished

CELLS = 8_000_000  # of the rows that are explained: fewer rows where they are large


def found(done: Finished) -> KnowledgeFacts | None:
    """Where the study names concepts or rules."""
    section = done.study.explain
    if section is None or not (section.concepts or section.rules):
        return None
    facts = KnowledgeFacts(
        part=done.part,
        confidence=done.study.evaluate.confidence,
        averaged=bool(done.predictor.weights),
        rules=_rules(done),
    )
    return _with_concepts(done, facts) if section.concepts else facts


def _rules(done: Finished) -> list[RuleFacts]:
    """Each rule held against all rows of the part."""
    predictor, rows, evaluate = done.predictor, done.evidence, done.study.evaluate
    held = held_rules(done.study, predictor.fitted, predictor.task.names)
    found = []
    for number, one in enumerate(held):
        done.progress("rules", number, len(held))
        of = predictor.task.names[one.column]
        asked = tried(counterfactuals.judge(predictor), rows.inputs, one)
        who, seed = (rows.subject, rows.row_id), done.study.train.seed
        found.append(rule_facts(one, of, asked, who, count=evaluate.bootstrap, seed=seed, confidence=evaluate.confidence))
    return found


def _with_concepts(done: Finished, facts: KnowledgeFacts) -> KnowledgeFacts:
    """What the default method (or the study's) gives, gathered; or why there is nothing to gather."""
    section, task = done.study.explain, done.predictor.task
    assert section is not None
    of = Material(done.predictor, done.evidence, train=done.rows.train, section=section, seed=done.study.train.seed)
    rows = of.some(of.rows, section.rows, CELLS, "rows")
    if not suited(rows.specs, task.kind):
        return msgspec.structs.replace(facts, unexplained="no method of explanation suits these inputs")
    method = section.method or default(rows.specs, task.kind)
    options = replace(Options(seed=of.seed), background=of.background())
    try:
        said = attribute(of.members, task, rows, method, options, done.progress)
    except UsageError as error:
        return msgspec.structs.replace(facts, unexplained=error.message)
    sets = concept_sets(done.study, done.predictor.fitted, done.split.find)
    concepts: list[ConceptFacts] = [one for each in sets for one in concept_facts(gathered(said, rows.inputs, each))]
    scale = "value" if task.kind == "regression" else "log-odds"
    return msgspec.structs.replace(facts, method=method, scale=scale, explained=len(rows), concepts=concepts)
