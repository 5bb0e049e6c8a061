"""A bundle in memory: what it was asked, what it answers; `save` and `load`."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from polars.exceptions import PolarsError

from sequela import __version__, config, registry
from sequela import model as models
from sequela.bundle import archive, golden, reasons
from sequela.bundle.card import card
from sequela.bundle.prediction import Prediction, of
from sequela.bundle.predictor import Predictor
from sequela.config import Input, Named, Study
from sequela.contracts import Task
from sequela.encoders._external import shipped
from sequela.errors import BundleError, ConfigError, DataError, UsageError
from sequela.evaluate.calibrate import Calibrator
from sequela.evaluate.metric import Metric
from sequela.evaluate.uncertainty import promises
from sequela.prep.statics import RARE
from sequela.store.store import Store, open_store
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.study.development import Development
from sequela.study.flow import Flow
from sequela.types import Cohort, Known

DEVELOPMENT = "development.json"


@dataclass(frozen=True)
class Bundle:
    """A trained, validated model. `predict` answers for one subject or for all of a store alike."""

    path: Path
    predictor: Predictor
    index: Mapping[str, Any]  # bundle.json
    metrics: Sequence[Mapping[str, Any]]  # of the run that made it
    development: Development | None = None  # what the rows that it came from were like; None where nobody told

    @property
    def study(self) -> Study:
        return self.predictor.study

    @cached_property
    def digest(self) -> str:
        """The seal of bundle.json: names this very model."""
        return str(self.index["seal"])

    def predict(
        self,
        store: Store | str | Path,
        subject: int | str | Sequence[int | str] | None = None,
        at: str | datetime | None = None,
        free: str = "",
    ) -> list[Prediction]:
        """One Prediction for each row of the study's cohort in this store, in its order; the refused ones with their reason.

        `subject`: these subjects only, as the source names them. `at`: one moment, ISO 8601 with an offset, in place of the
        study's. `free`: of survival, for how long after the prediction nothing has come ("6mo"): what is told is of one free
        until then. Raises DataError for a subject that is not in the store, UsageError for a time that cannot be asked.
        """
        records = store if isinstance(store, Store) else open_store(Path(store))
        rows, flow = self.eligible(records, subject, at)
        return reasons.told(self.predictor, of(self.predictor, rows, self.known(records, rows), flow, free), records)

    def eligible(
        self, store: Store, subject: int | str | Sequence[int | str] | None = None, at: str | datetime | None = None
    ) -> tuple[Cohort, Flow]:
        """The rows that may be predicted, and the flow with the reason for each that may not."""
        asked = None if subject is None else [str(s) for s in ([subject] if isinstance(subject, int | str) else subject)]
        return cohorts.eligible(store, self.study, subjects=asked, at=_moment(at))

    def known(self, store: Store, rows: Cohort) -> Known:
        """What is known of these rows, as far back as the study looks."""
        return cut.known(store, rows, history(self.study))


def _moment(at: str | datetime | None) -> datetime | None:
    """Raises UsageError for a text that is no ISO 8601 time."""
    if not isinstance(at, str):
        return at
    try:
        return datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError(f"{at!r} is not a time", hint="write it as 2026-03-01T14:00:00+00:00") from error


def history(study: Study) -> int | None:
    """How far back inputs look, in microseconds; None: everything known."""
    return None if study.cohort.history is None else config.microseconds(study.cohort.history)


def save(
    path: Path,
    predictor: Predictor,
    metrics: Sequence[Metric],
    facts: Mapping[str, Any],
    development: Development | None = None,
) -> Bundle:
    """Writes the bundle atomically and gives it as loaded back, its golden example replayed.

    `facts` go into bundle.json and the card: the commit, the data's hash, the seed. `development`: what later data is held
    against.
    """
    study = _named(anonymous(predictor.study), predictor)
    told = msgspec.to_builtins(unnamed(metrics, predictor.study.evaluate.min_group))
    example = golden.draw(predictor.fitted, study.train.seed)
    encoded = golden.encode(example, golden.answers(predictor, example))
    index = {
        "name": study.name,
        "sequela": __version__,
        "study": msgspec.to_builtins(study),
        "names": list(predictor.task.names),
        "inputs": {name: msgspec.to_builtins(one.spec) for name, one in predictor.fitted.items()},
        "members": len(predictor.members),
        "partners": sorted(predictor.partners),
        "columns": list(models.read_plain(predictor.fitted, example).columns) if predictor.partners else [],
        "versions": versions(),
        "facts": dict(facts),
    }
    promised, arrays = predictor.promises.encoded()
    parts = {
        "weights.safetensors": _weights(predictor, arrays),
        "uncertainty.json": promised,
        "thresholds.json": msgspec.json.encode({"thresholds": predictor.thresholds, "weights": predictor.weights}),
        "calibration.json": msgspec.json.encode(predictor.calibrators),
        "golden.json": msgspec.json.encode(encoded),
        "metrics.json": msgspec.json.encode(told),
        "card.md": card(predictor, told, index).encode(),
    }
    parts |= {f"states/{name}.json": msgspec.json.encode(one.state) for name, one in predictor.fitted.items()}
    if development is not None:
        parts[DEVELOPMENT] = msgspec.json.encode(development)
    archive.write(path, index, parts)
    return load(path)


def load(path: str | Path) -> Bundle:
    """The bundle in a file, every part verified and its golden example replayed. Runs no code of the file's.

    Raises BundleError: damaged, altered, newer, in need of a package that is not installed, or answering differently here.
    """
    from safetensors import SafetensorError

    index, parts = archive.read(Path(path))
    try:
        predictor = _predictor(index, parts)
        metrics = msgspec.json.decode(parts["metrics.json"], type=list[dict[str, Any]])
        told = parts.get(DEVELOPMENT)
        development = None if told is None else msgspec.json.decode(told, type=Development)
        golden.replay(predictor, *golden.decode(msgspec.json.decode(parts["golden.json"])))
    except ConfigError as error:
        raise BundleError(f"{path} needs something that is not installed here: {error.message}", error.hint) from error
    except (
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
        SafetensorError,
        DataError,
        PolarsError,
    ) as error:
        raise BundleError(f"{path}: its parts do not fit together: {error}") from error
    return Bundle(Path(path), predictor, index, metrics, development)


def anonymous(study: Study) -> Study:
    """The study without the lists of subjects in it, which name patients, and without paths of files: a bundle holds neither."""
    bare = msgspec.structs.replace
    excluded = [bare(one, subjects=[]) for one in study.cohort.exclude if one.when or one.code]
    return bare(
        study,
        cohort=bare(study.cohort, include=[], exclude=excluded),
        split=bare(study.split, parts={}, files=[]),
        evaluate=bare(study.evaluate, without=[]),
        data=bare(study.data, source=Path(study.data.source).name),
        inputs={name: _pathless(one) for name, one in study.inputs.items()},
    )


def _pathless(given: Input) -> Input:
    """An input with its network as another machine makes it, and of files that gave it its start the names alone."""
    return msgspec.structs.replace(
        given,
        encoder=shipped(given.encoder, residues=config.choice(given.modality, "modality").name == "residues"),
        vectors=None if given.vectors is None else _name_alone(given.vectors, "path"),
        modality=_name_alone(given.modality, "tokenizer", "hf:"),
    )


def _name_alone(named: Named, option: str, family: str = "") -> Named:
    """What is named with the last part of a path in its options; `family` may stand before that."""
    path = named.get(option) if isinstance(named, dict) else None
    if not isinstance(named, dict) or not path:
        return named
    return {**named, option: family + Path(path.removeprefix(family)).name}


def unnamed(metrics: Sequence[Metric], fewest: int) -> list[Metric]:
    """The metrics without the subjects that a sensitivity analysis names, and without groups so small that they name someone."""
    told = [row for row in metrics if "=" not in row.group or row.n >= max(fewest, RARE)]
    return [msgspec.structs.replace(row, group="without some") if row.group.startswith("without ") else row for row in told]


def _named(study: Study, predictor: Predictor) -> Study:
    """The study with its classes written out: other data may lack one, or bring them in another order. Cuts say them already."""
    found = predictor.task.kind in ("multiclass", "entities") or study.outcome.separator
    if not found or study.outcome.classes or study.outcome.cuts:
        return study
    outcome = msgspec.structs.replace(study.outcome, classes=list(predictor.task.names))
    return msgspec.structs.replace(study, outcome=outcome)


def versions() -> dict[str, str]:
    """Of what the answers depend on."""
    from importlib.metadata import version

    packages = ("torch", "numpy", "scipy", "polars", "scikit-learn", "safetensors")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _weights(predictor: Predictor, beside: Mapping[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save as encode

    arrays = {name: np.ascontiguousarray(value) for name, value in beside.items()}
    arrays |= {
        f"member-{k}/{name}": np.ascontiguousarray(value.detach().cpu().numpy())
        for k, member in enumerate(predictor.members)
        for name, value in member.state_dict().items()
    }
    for name, partner in predictor.partners.items():  # only what has `exported` is let into an ensemble: pipeline/prepared.py
        arrays |= {f"{name}/{key}": np.ascontiguousarray(value) for key, value in partner.exported().items()}  # type: ignore[attr-defined]
    return bytes(encode(arrays))


def _predictor(index: Mapping[str, Any], parts: Mapping[str, bytes]) -> Predictor:
    from safetensors.numpy import load as decode

    study = config.convert(index["study"], Study, "bundle.json: study")
    arrays = decode(parts["weights.safetensors"])
    count = len({name.partition("/")[0] for name in arrays if name.startswith("member-")})
    if index["members"] != count:
        raise BundleError(f"bundle.json speaks of {index['members']} networks, and the weights are those of {count}")
    fitted = models.restore_inputs(study, {name: msgspec.json.decode(parts[f"states/{name}.json"]) for name in study.inputs})
    specs = {name: one.spec for name, one in fitted.items()}
    built = [models.build(study, specs, tuple(index["names"])) for _ in range(count)]
    for k, (member, _) in enumerate(built):
        weights = {name: torch.from_numpy(value) for name, value in _under(f"member-{k}/", arrays).items()}
        member.load_state_dict(weights, strict=True)
        member.eval()
    task = built[0][1]
    partners = {name: _partner(name, _under(f"{name}/", arrays), task, index["columns"]) for name in index["partners"]}
    said = msgspec.json.decode(parts["thresholds.json"])
    calibrators = msgspec.json.decode(parts["calibration.json"], type=dict[str, Calibrator])
    members = [member for member, _ in built]
    held = promises.decoded(parts["uncertainty.json"], arrays) if "uncertainty.json" in parts else promises.NONE
    return Predictor(study, fitted, task, members, partners, said["weights"], calibrators, said["thresholds"], held)


def _partner(name: str, arrays: Mapping[str, np.ndarray], task: Task, columns: Sequence[str]) -> Any:
    """A baseline that answers together with the model, from its arrays."""
    module = registry.module("baselines", name.removeprefix("baseline:").partition(":")[0])
    return module.from_arrays(arrays, task.kind, task.names, tuple(columns))


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
