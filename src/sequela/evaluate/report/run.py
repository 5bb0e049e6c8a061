"""What a run folder holds, read once, and which of it the report shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from sequela import config
from sequela.errors import DataError
from sequela.evaluate.curves import Agreement, Confusion, Curves, Drawn
from sequela.evaluate.evaluation import RECALIBRATED
from sequela.evaluate.facts import FlowStep, RunFacts, SplitFacts
from sequela.evaluate.metric import Metric
from sequela.evaluate.pool import MEAN
from sequela.evaluate.report.words import later, retold, say
from sequela.evaluate.trusted import Trusted
from sequela.metrics.table import METRICS

MAIN = ("model", "ensemble")
HEADLINES = {
    "regression": "mae",
    "forecast": "mae",
    "next_event": "perplexity",
    "detect": "ap50",
    "segment": "dice",
    "entities": "entity_f1",
    "survival": "td_c",
    "contact": "precision_l5",
}


class Flow(msgspec.Struct, frozen=True):
    """flow.json."""

    steps: list[FlowStep] = []
    notes: dict[str, int] = {}


@dataclass(frozen=True)  # without slots: what follows from the fields is worked out once
class Run:
    """A finished run: the study as it ran, its counts, numbers, curves and facts."""

    study: config.Study
    flow: Flow
    metrics: list[Metric]
    curves: list[Curves]
    facts: RunFacts
    folder: Path = Path()  # where its pictures are
    trusted: Trusted = field(default_factory=Trusted)  # what was examined; of several splits, of the first

    @cached_property
    def part(self) -> str:
        """The part that the report shows: test once it was opened, tune before."""
        return later("test") if any(row.part == "test" for row in self.metrics) else later("tune")

    @cached_property
    def split(self) -> str:
        """The split that the report's numbers are of: the mean where there are several."""
        names = list(dict.fromkeys(row.split for row in self.shown_part))
        return MEAN if MEAN in names else names[0] if names else ""

    @property
    def several(self) -> bool:
        return self.split == MEAN

    @property
    def kind(self) -> str:
        """Of the task: one of metrics.table.Kind."""
        return self.curves[0].kind if self.curves else self.task

    @property
    def task(self) -> str:
        """Its name."""
        return config.choice(self.study.task, "task").name

    @property
    def asked_of(self) -> str:
        """What an answer is of."""
        return later("steps") if self.task == "tagging" else later("rows")

    @property
    def shares(self) -> bool:
        """Whether probabilities are shares of normal rows, which nothing made risks of the event."""
        return self.task == "anomaly" and not any(one.calibration for one in self.facts.splits)

    @cached_property
    def shown_part(self) -> list[Metric]:
        """Every number of the shown part, of all splits."""
        part = self.part
        return [row for row in self.metrics if row.part == part]

    @cached_property
    def rows(self) -> list[Metric]:
        """The numbers of the shown part and split."""
        split = self.split
        return [row for row in self.shown_part if row.split == split]

    @cached_property
    def models(self) -> list[str]:
        """Every answer, the model first and the baselines last, each group in the order of the run."""
        found = list(dict.fromkeys(row.model for row in self.rows))
        return sorted(found, key=lambda name: (name not in MAIN, name != "model"))

    @property
    def main(self) -> str:
        """The answer that a bundle gives: the ensemble's where there is one. Its decisions, curves and groups are told."""
        return next((name for name in reversed(MAIN) if name in self.models), self.models[0])

    @property
    def headline(self) -> str:
        """The metric that the verdict is about: of sets that are recommended, what they share with those given.

        Of classes of which some are so rare that a mean over them has no interval, the share of rows that are told rightly.
        """
        if self.kind == "multilabel" and self.facts.notice:
            return "jaccard"
        if self.kind == "segment" and any(row.metric == "instance_f1" for row in self.metrics):
            return "instance_f1"
        if self.kind == "multiclass" and self._without_interval("auroc"):
            return "accuracy"
        return HEADLINES.get(self.kind, "auroc")

    def _without_interval(self, metric: str) -> bool:
        """Whether a resample may leave the metric of the main answer undefined, and so it has a value and no limits."""
        row = self.number(self.main, metric)
        return row is not None and row.value is not None and row.reason.startswith("no interval: undefined")

    def number(self, model: str, metric: str, *, class_: str = "", group: str = "", against: str = "") -> Metric | None:
        """One number of the shown part and split."""
        return self._numbers.get((model, metric, class_, group, against))

    @cached_property
    def _numbers(self) -> dict[tuple[str, ...], Metric]:
        return {(row.model, row.metric, row.class_, row.group, row.against): row for row in self.rows}

    def parts_curves(self) -> list[Curves]:
        """The curves of the shown part, of every split."""
        return [curves for curves in self.curves if curves.part == self.part]

    def drawn(self, class_: str = "") -> list[tuple[str, Drawn]]:
        """The curves to lay over one another, with their legend: every answer, or with several splits the model in each."""
        found = [(curves.split, one) for curves in self.parts_curves() for one in curves.drawn if one.class_ == class_]
        if self.several:
            return [(split, one) for split, one in found if one.model == self.main]
        return [
            (label(one.model), one)
            for one in sorted((one for _, one in found), key=lambda one: (one.model != self.main, self.models.index(one.model)))
        ]

    def confusions(self) -> list[tuple[str, Confusion]]:
        return [(curves.split, one) for curves in self.parts_curves() for one in curves.confusion if one.model in MAIN]

    def agreements(self) -> list[tuple[str, Agreement]]:
        return [(curves.split, one) for curves in self.parts_curves() for one in curves.agreement if one.model in MAIN]

    @cached_property
    def classes(self) -> list[str]:
        """The classes or labels that numbers are given for, in order; none in a yes-or-no question."""
        return list(dict.fromkeys(row.class_ for row in self.rows if row.class_))

    def first_split(self) -> SplitFacts | None:
        return self.facts.splits[0] if self.facts.splits else None


def label(model: str) -> str:
    """What an answer is called in the report."""
    if model.startswith("baseline:"):
        return say("{name} (baseline)", name=retold(model.removeprefix("baseline:").replace("_", " ")))
    return {"model": say("Model"), "ensemble": say("Ensemble"), RECALIBRATED: say("Recalibrated here")}.get(model, model)


def better(metric: str, difference: float) -> bool:
    """Whether a difference of that metric is in favour of the first."""
    return difference < 0 if METRICS[metric].better == "lower" else difference > 0


def read(folder: Path) -> Run:
    """Raises DataError where a file is missing or is not what it should be."""
    curves = _json(folder / "curves.json", list[Curves] | Curves)
    flow = _json(folder / "flow.json", list[FlowStep] | Flow)
    return Run(
        study=config.load(folder / "study.toml"),
        flow=flow if isinstance(flow, Flow) else Flow(flow),
        metrics=_json(folder / "metrics.json", list[Metric]),
        curves=[curves] if isinstance(curves, Curves) else curves,
        facts=_json(folder / "run.json", RunFacts),
        folder=folder,
        trusted=_json(folder / "trust.json", Trusted) if (folder / "trust.json").exists() else Trusted(),
    )


def _json(path: Path, type_: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except FileNotFoundError as error:
        raise DataError(f"{path.parent} is not a finished run: it has no {path.name}") from error
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} is not what a run writes: {error}") from error
