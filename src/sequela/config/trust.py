"""What a study may say of trust: what is promised of an answer, how it is explained, who is compared, what is accepted."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sequela.config.strict import Name, Strict

Share = Annotated[float, Meta(gt=0, lt=1)]


class Uncertainty(Strict, frozen=True):
    """What is promised beside a probability; all of it is fitted on tune, before the test part is opened."""

    coverage: Annotated[float, Meta(gt=0.5, lt=1)] = 0.9  # of sets of classes: the truth is in so large a share of them
    by: Literal["class", "all", "group"] = "class"  # for whom that holds: each class, all rows, or each class of each group
    group: str = ""  # of by = "group": one of cohort.groups
    shift: Literal["none", "label"] = "none"  # label: evaluate tells how often classes occur in other data, and weighs sets by it
    risk: Share | None = None  # a decision is withheld where it is unsure, so that at most this share of those given is wrong
    confidence: Annotated[float, Meta(gt=0.5, lt=1)] = 0.9  # with which that share is not exceeded
    dropout: Annotated[int, Meta(ge=0)] = 0  # passes with dropout left on, whose spread is told; 0: none
    unusual: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # inputs rarer than this share of tune's get no answer; 0: all do


class Rule(Strict, frozen=True):
    """What is known beforehand: which way an answer may not go as one of its inputs rises, all else alike."""

    feature: Name  # a column or code of an input: "Creatinine"
    must_not: Literal["lower", "raise"]  # the risk
    input: str = ""  # left out where one input alone has it
    of: str = ""  # the class or label; left out where there is one
    by: Annotated[float, Meta(gt=0)] | None = None  # how far it is raised, in its own unit; left out: its spread in training
    penalty: Annotated[float, Meta(ge=0)] = 0.0  # of a violation in training; 0: violations are counted and shown alone


class Explain(Strict, frozen=True):
    """How the answers of a run are explained in its report, and how that is checked.

    Where this section is left out, the verb `explain` does it later.
    """

    method: str = ""  # left out: what suits the inputs
    rows: Annotated[int, Meta(ge=1)] = 200  # of the part that is shown
    floor: Share = 0.15  # of the planted cells' AUPRC: a method below it is shown with a warning
    planted: bool = True  # known cells are planted into training rows, the network learns them, and each method has to find them
    concepts: list[str] = []  # icd_chapters, atc (atc_1 to atc_5), loinc_panels, ecg_segments, body_regions, or a TOML file
    rules: list[Rule] = []


class Fairness(Strict, frozen=True):
    """Which groups are held against each other, and what is done about a gap."""

    groups: list[str] = []  # of cohort.groups; left out: all that the report shows
    crossed: list[list[str]] = []  # groups taken together: [["sex", "age_band"]]
    # of a yes-or-no question. reweighting: training rows count so that group and class are independent (Kamiran 2012); loss: each
    # group's mean loss counts alike; thresholds: one for each group, compared in the report, and not used by the bundle, which
    # knows no row's group. The first two train a second model without it, to show on tune what it costs
    mitigate: Literal["none", "reweighting", "thresholds", "loss"] = "none"
    by: str = ""  # the group that is mitigated by


class Robustness(Strict, frozen=True):
    """How the answers of a run hold as its inputs are spoilt.

    Where this section is left out, the verb `robustness` does it later.
    """

    rows: Annotated[int, Meta(ge=1)] = 500  # of the part that is shown
    kinds: list[str] = []  # of spoiling; left out: all that suit the inputs


class Plan(Strict, frozen=True):
    """What is settled before the test part is opened, and sealed then."""

    accept: list[str] = []  # each asked of the test part: "auroc.low >= 0.8", "calibration_slope >= 0.8"
    bootstrap_models: Annotated[int, Meta(ge=0)] = 0  # trained on resamples of the training subjects: how far one answer moves
