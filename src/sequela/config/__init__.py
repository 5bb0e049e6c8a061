"""A study: the clinical question and the plan to answer it, as one TOML file read strictly into frozen types.

It states, it never computes: no inheritance, no interpolation, no expressions. An unknown key or a wrong type is an error that
names the place and the nearest key. The keys are documented beside each field; `sequela schema` gives them as JSON schema. Read
the files in this order:

    strict     the base of every section, and the kinds of words in it
    trust      what is promised of an answer, how it is explained, who is held against whom, what is accepted
    statements what only people can say of a study
    sections   Study and its sections: what may be said
    reading    load, convert, options, choice, microseconds: what was said, or what is wrong with it; dump: back to a file
"""

from __future__ import annotations

from sequela.config.reading import Choice, choice, convert, dump, load, microseconds, options
from sequela.config.sections import (
    Apart,
    Audit,
    Baselines,
    Cohort,
    Data,
    Ensemble,
    Evaluate,
    Exclusion,
    Group,
    Input,
    Optimizer,
    Outcome,
    Predicate,
    Pretrain,
    Schedule,
    Split,
    Study,
    Train,
    Window,
)
from sequela.config.statements import Statements
from sequela.config.strict import Duration, Name, Named, Strict
from sequela.config.trust import Explain, Fairness, Plan, Robustness, Rule, Uncertainty

__all__ = [
    "Apart",
    "Audit",
    "Baselines",
    "Choice",
    "Cohort",
    "Data",
    "Duration",
    "Ensemble",
    "Evaluate",
    "Exclusion",
    "Explain",
    "Fairness",
    "Group",
    "Input",
    "Name",
    "Named",
    "Optimizer",
    "Outcome",
    "Plan",
    "Predicate",
    "Pretrain",
    "Robustness",
    "Rule",
    "Schedule",
    "Split",
    "Statements",
    "Strict",
    "Study",
    "Train",
    "Uncertainty",
    "Window",
    "choice",
    "convert",
    "dump",
    "load",
    "microseconds",
    "options",
]
