"""What `check` and `run` begin with: the study read, the records opened, the cohort built, the rows split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from sequela import config, registry
from sequela import model as models
from sequela.bundle.bundle import history
from sequela.bundle.predictor import SCORES
from sequela.config import Study
from sequela.contracts import Evidence, Fitted, Progress
from sequela.errors import ConfigError
from sequela.pipeline.data import records
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.study.flow import Flow
from sequela.study.split import Plan, plans
from sequela.types import Array, Cohort, Known, Plain


@dataclass(frozen=True)
class Prepared:
    """A study with its rows, before anything is fitted."""

    study: Study
    store: Store
    cohort: Cohort
    flow: Flow
    plans: Sequence[Plan]

    def known(self, rows: Array) -> Known:
        """What is known of these rows, each at its own time."""
        return cut.known(self.store, self.cohort.take(rows), history(self.study))

    def evidence(self, rows: Array, fitted: dict[str, Fitted]) -> Evidence:
        """The inputs of these rows in both forms, the scores that the data brings among the plain columns."""
        cohort = self.cohort.take(rows)
        known = cut.known(self.store, cohort, history(self.study))
        found = models.evidence(fitted, known, cohort)
        scores = self._scores(cohort)
        plain = Plain(np.hstack([found.plain.values, scores.values]), found.plain.names + scores.names)
        return replace(found, plain=plain)

    def _scores(self, cohort: Cohort) -> Plain:
        codes = self.study.baselines.scores
        if not codes:
            return Plain(np.zeros((len(cohort), 0), np.float32), ())
        known = cut.known(self.store, cohort, history(self.study), codes=codes)
        values = np.full((len(cohort), len(codes)), np.nan, np.float32)
        last = known.events.drop_nulls("numeric_value").group_by("row", "code", maintain_order=True).last()
        place = {code: k for k, code in enumerate(codes)}
        found = last.filter(pl.col("code").is_in(codes))
        values[found["row"].to_numpy(), [place[code] for code in found["code"]]] = found["numeric_value"].to_numpy()
        return Plain(values, tuple(SCORES + code for code in codes))


def prepare(study: Study, base: Path, data: str | Path | Store | None, progress: Progress) -> Prepared:
    """The study with its rows; its sources are looked for beside `base`.

    Raises ConfigError or DataError where the study cannot be asked of these records.
    """
    names_exist(study)
    store = records(study.data, base, data, progress)
    rows, flow = cohorts.build(store, study)
    return Prepared(study, store, rows, flow, plans(rows, study, store, base))


def loaded(study: str | Path | Study, overrides: tuple[str, ...]) -> tuple[Study, Path]:
    """The study, and the folder beside which its data is looked for."""
    if isinstance(study, Study):
        if overrides:
            raise ConfigError("overrides are laid over a study file, not over a study that is already read")
        return study, Path()
    return config.load(study, overrides), Path(study).parent


def names_exist(study: Study) -> None:
    """Every name and option that the study uses, checked before any data is read. Raises ConfigError with the nearest name."""
    config.options("tasks", study.task, "task")
    for name, given in study.inputs.items():
        config.options("modalities", given.modality, f"inputs.{name}.modality")
        config.options("encoders", given.encoder, f"inputs.{name}.encoder")
    for named in study.baselines.names or ():
        config.options("baselines", named, "baselines.names")
    if study.data.reader:
        config.convert(dict(study.data.options), registry.module("readers", study.data.reader).Config, "data.options")
    known = {"model", *(f"baseline:{config.choice(n, 'baselines.names').name}" for n in study.baselines.names or ())}
    for member in study.ensemble.members:
        if study.baselines.names is not None and member not in known:
            raise ConfigError(
                f"ensemble.members names {member!r}, which this study does not train", registry.nearest(member, sorted(known))
            )
