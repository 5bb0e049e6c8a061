"""What a validation report has to hold: each item, who has to give it, and where in the files of a run it stands.

An item is computed (by the software, from a value of a file of the run), drafted (by the software, for a person to sign), or
human: only people can say it, in the study's `[statements]`, and until they do it stays a blank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sequela.evaluate.report.words import later

Kind = Literal["computed", "drafted", "human"]
METRICS, CURVES, FLOW, STUDY, RUN, TRUST = "metrics.json", "curves.json", "flow.json", "study.toml", "run.json", "trust.json"
PAIRED, GROUPED = "against", "group"  # of metrics.json: the columns that say whose difference, and which rows


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a value stands: a file of the run folder, and the names on the way to it. Of metrics.json, a metric or a column."""

    file: str
    path: str

    def __str__(self) -> str:
        return f"{self.file} › {self.path.replace('.', ' › ')}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a report has to hold. Any one of its traces is enough; one without traces is examined by nobody here."""

    name: str
    title: str  # to be said
    kind: Kind
    traces: tuple[Trace, ...] = ()
    section: str = ""  # of the report that shows it, by the name of its function
    hint: str = ""  # of a blank, to be said


def _computed(name: str, title: str, section: str, *traces: tuple[str, str], kind: Kind = "computed") -> Item:
    return Item(name, title, kind, tuple(Trace(*one) for one in traces), section)


def _human(name: str, title: str, hint: str = "") -> Item:
    return Item(name, title, "human", (Trace(STUDY, f"statements.{name}"),), "limits", hint)


HUMAN: tuple[Item, ...] = (
    _human("rationale", later("Rationale"), later("Why a model is wanted here, and what is known and used already.")),
    _human("intended_use", later("Intended use"), later("Who would act on this, when, and what they would do otherwise.")),
    _human("user", later("User"), later("Who reads an answer, and what they must be able to do.")),
    _human("pathway", later("Place in the pathway"), later("Where in the care of a patient it stands.")),
    _human(
        "known_inequalities",
        later("Known inequalities in how the outcome or its care came about"),
        later("Including how the records were collected."),
    ),
    _human(
        "treatments",
        later("Treatments received between the prediction and the outcome"),
        later("They can hide or create events."),
    ),
    _human(
        "clinical_validity",
        later("Clinical validity of the outcome as coded"),
        later("Whether the code means what the question asks."),
    ),
    _human(
        "threshold_range",
        later("Range of thresholds at which a clinician would act"),
        later("Only there does the decision curve matter."),
    ),
    _human(
        "error_review",
        later("Review of the model's errors by clinicians"),
        later("Cases that were missed, false alarms that would do harm."),
    ),
    _human("limits", later("Limits"), later("To whom and where these results do not apply.")),
    _human("interpretation", later("Interpretation"), later("What the results mean, against what was known.")),
    _human("ethics", later("Ethics approval"), later("With its number; consent, or why none was needed.")),
    _human("funding", later("Funding"), later("Its sources, and what they had to say in the study.")),
    _human("interests", later("Conflicts of interest")),
    _human("registration", later("Registration and protocol"), later("Register and number, or that there is none.")),
    _human("sharing", later("Availability of data and code"), later("Where, and on what terms.")),
    _human("involvement", later("Involvement of patients and the public"), later("Or that there was none.")),
    _human("oversight", later("Oversight by people"), later("Who may overrule the model in use, and how.")),
    _human("approval", later("Name, role, date, signature")),
)
AUTOMATIC: tuple[Item, ...] = (
    _computed("claim", later("Title, question and claim"), "outcome", (STUDY, "question")),
    _computed(
        "objectives", later("Objectives and acceptance, sealed before the test"), "plan", (TRUST, "plan.hash"), kind="drafted"
    ),
    _computed("sources", later("Sources, hash of the records"), "data", (RUN, "data.hash")),
    _computed("licence", later("Licence of the records"), "data", (RUN, "data.licence")),
    _computed("dates", later("Dates of the predictions"), "characteristics", (TRUST, "characteristics.columns.first")),
    _computed("eligibility", later("Eligibility as code, flow of counts"), "data", (FLOW, "what")),
    _computed("transforms", later("Transforms, fitted on train"), "data", (RUN, "inputs.modality")),
    _computed("outcome", later("Outcome and horizon as code"), "data", (STUDY, "outcome"), (STUDY, "task")),
    _computed("leaks", later("Leak tests"), "audit", (RUN, "audit.check")),
    _computed("predictors", later("Inputs and their columns"), "data", (RUN, "inputs.name")),
    _computed("size", later("Numbers, events, sample size"), "size", (TRUST, "size"), (RUN, "splits.parts")),
    _computed(
        "missing", later("Missing values"), "characteristics", (TRUST, "characteristics.rows.missing"), (RUN, "inputs.missing")
    ),
    _computed("split", later("Split, seeds, looks at the test part"), "split", (RUN, "splits.looks")),
    _computed("model", later("Architecture, loss, parameters"), "training", (RUN, "parameters"), (STUDY, "inputs")),
    _computed("trials", later("Settings tried"), "baselines", (RUN, "splits.baselines.tried"), (RUN, "splits.history")),
    _computed("sites", later("Results by site"), "sites", (TRUST, "external.sites")),
    _computed("groups", later("Results by group"), "groups", (METRICS, GROUPED)),
    _computed("imbalance", later("Imbalance and recalibration"), "training", (STUDY, "train.balance")),
    _computed("threshold", later("Thresholds and how they were chosen"), "threshold", (RUN, "splits.thresholds")),
    _computed("abstention", later("Abstention"), "uncertainty", (TRUST, "uncertainty.withheld")),
    _computed(
        "characteristics", later("Characteristics by part and outcome"), "characteristics", (TRUST, "characteristics.rows")
    ),
    _computed(
        "discrimination",
        later("Discrimination, with intervals"),
        "discrimination",
        *((METRICS, metric) for metric in ("auroc", "td_c", "mae", "dice", "ap50", "entity_f1", "perplexity", "precision_l5")),
    ),
    _computed("rates", later("Sensitivity, specificity, predictive values"), "threshold", (METRICS, "sensitivity")),
    _computed("table", later("Two-by-two table"), "threshold", (CURVES, "drawn.table"), (CURVES, "confusion.counts")),
    _computed("calibration", later("Calibration"), "calibration", (METRICS, "calibration_slope"), (METRICS, "coverage")),
    _computed("benefit", later("Decision curve"), "benefit", (CURVES, "drawn.decision")),
    _computed("comparison", later("Comparison with plain baselines"), "outcome", (METRICS, PAIRED)),
    _computed("fairness", later("Groups held against each other"), "fairness", (TRUST, "fairness")),
    _computed("coverage", later("Uncertainty and its coverage"), "uncertainty", (TRUST, "uncertainty")),
    _computed("robustness", later("Behaviour on spoilt input"), "robustness", (TRUST, "robustness")),
    _computed("explanations", later("Explanations and their checks"), "explanations", (TRUST, "explanation")),
    _computed("knowledge", later("Rules and concepts of experts"), "knowledge", (TRUST, "knowledge")),
    _computed("instability", later("Instability of single answers"), "instability", (TRUST, "instability")),
    _computed(
        "errors", later("Single errors"), "pictures", (RUN, "pictures.file"), (RUN, "fans.row_id"), (RUN, "outlooks.row_id")
    ),
    _computed(
        "refusals", later("Behaviour on poor input"), "data", (TRUST, "robustness"), (RUN, "data.refusals"), kind="drafted"
    ),
    _computed("external", later("External validation"), "elsewhere", (TRUST, "external")),
    _computed("monitoring", later("Plan of monitoring, with its rate of false alarms"), "", kind="drafted"),
    _computed("environment", later("Versions, machine, hashes"), "environment", (RUN, "versions")),
    _computed("privacy", later("Differential privacy, membership audit"), ""),
    _computed("deidentification", later("Recall of de-identification"), ""),
    _computed("risks", later("Risk register"), "", kind="drafted"),
    _computed("changes", later("Change control"), "", kind="drafted"),
)
ITEMS: dict[str, Item] = {item.name: item for item in (*AUTOMATIC, *HUMAN)}
