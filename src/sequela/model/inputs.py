"""From the events known to what the network reads, by modalities that learnt from the training rows alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from sequela import config, registry
from sequela.config import Study
from sequela.contracts import Evidence, Fitted, Itemised, Modality, Refusing
from sequela.errors import ConfigError
from sequela.model.task import own_target, task_module
from sequela.study import paired, spanned, steps
from sequela.types import Array, Counts, Known, Places, Plain, Ragged, Spec, Target


def fit_inputs(study: Study, known_train: Known, instead: Mapping[str, Known] | None = None) -> dict[str, Fitted]:
    """Each input's modality with what it learnt from the training rows, by input name in the study's order.

    `instead`: what some inputs learn from in their place, by name.
    """
    fitted = {}
    for name in study.inputs:
        modality, _ = _modality(study, name)
        state: Any = modality.fit((instead or {}).get(name, known_train))
        fitted[name] = Fitted(study.inputs[name], modality, state, modality.spec(state))
    return fitted


def fit_inputs_each(study: Study, known_train: Callable[[], Iterable[Known]]) -> dict[str, Fitted]:
    """As `fit_inputs`, of training rows that come in parts, a subject in one of them only.

    Raises ConfigError for a modality that must see all of them at once (it has no `fit_each`).
    """
    fitted = {}
    for name in study.inputs:
        modality, _ = _modality(study, name)
        if not hasattr(modality, "fit_each"):
            chosen = config.choice(study.inputs[name].modality, "modality").name
            raise ConfigError(
                f"the modality {chosen!r} of inputs.{name} must see all training rows at once", hint="`run` holds them in memory"
            )
        state: Any = modality.fit_each(known_train())
        fitted[name] = Fitted(study.inputs[name], modality, state, modality.spec(state))
    return fitted


def restore_inputs(study: Study, states: Mapping[str, Any]) -> dict[str, Fitted]:
    """The same from states that were saved as JSON builtins.

    Raises msgspec.ValidationError where a state is not one of its modality.
    """
    fitted = {}
    for name in study.inputs:
        modality, state_type = _modality(study, name)
        state: Any = msgspec.convert(states[name], state_type)
        fitted[name] = Fitted(study.inputs[name], modality, state, modality.spec(state))
    return fitted


def _modality(study: Study, name: str) -> tuple[Modality, type]:
    chosen, options = config.options("modalities", study.inputs[name].modality, f"inputs.{name}.modality")
    module = registry.module("modalities", chosen)
    return module.build(options), module.State


def read_inputs(fitted: Mapping[str, Fitted], known: Known) -> tuple[dict[str, Ragged], dict[str, Spec]]:
    """Every input's sequences of the rows of `known`, and what each is."""
    inputs = {name: one.modality.read(known, one.state) for name, one in fitted.items()}
    return inputs, {name: one.spec for name, one in fitted.items()}


def refusals(fitted: Mapping[str, Fitted], known: Known) -> Array:
    """Of each row why an input of it cannot be judged by what was learnt, str "N"; "" where it can.

    Only modalities whose records may be of another making (pictures: other axes, channels, spacing) have such reasons.
    """
    found = np.full(known.count, "", object)
    for name, one in fitted.items():
        if isinstance(one.modality, Refusing):
            reasons = np.array(one.modality.refused(known, one.state), object)
            found = np.where(found == "", np.where(reasons == "", "", f"{name}: " + reasons), found)
    return found.astype(str)


def read_plain(fitted: Mapping[str, Fitted], known: Known) -> Plain:
    """All inputs as plain columns side by side, float32 "N P", each named input.column."""
    plain = [_named(name, one.modality.plain(known, one.state)) for name, one in fitted.items()]
    names = tuple(name for columns in plain for name in columns.names)
    counts = tuple(block for columns in plain for block in columns.counts)
    return Plain(np.concatenate([columns.values for columns in plain], 1, dtype=np.float32), names, counts)


def _named(name: str, plain: Plain) -> Plain:
    """The columns of an input, each named input.column."""
    counts = tuple(
        Counts(block.values, tuple(f"{name}.{column}" for column in block.names), f"{name}.{block.label}")
        for block in plain.counts
    )
    return Plain(plain.values, tuple(f"{name}.{column}" for column in plain.names), counts)


def read_plain_steps(fitted: Mapping[str, Fitted], known: Known, steps: int) -> Plain:
    """The steps of the one input as plain columns, named input.column; none where its modality cannot tell them."""
    ((name, one),) = fitted.items()
    if not isinstance(one.modality, Itemised):
        return _no_columns(steps)
    return _named(name, one.modality.plain_steps(known, one.state))


def evidence(
    study: Study, fitted: Mapping[str, Fitted], known: Known, target: Target, who: tuple[Array, Array], *, plain: bool = True
) -> Evidence:
    """All that is known of some rows; `known` has one row for each. `who`: their subjects, and their names.

    Where steps are asked (a Tagger), they are told beside the rows. `plain`: with the columns for baselines.
    """
    inputs, specs = read_inputs(fitted, known)
    tagging = getattr(task_module(study), "KIND", "") == "tagging"
    columns = read_plain(fitted, known) if plain and not tagging else _no_columns(known.count)
    found = Evidence(inputs, specs, columns, own_target(study, inputs, specs, target) or target, *who)
    if getattr(task_module(study), "KIND", "") == "entities":
        return dataclasses.replace(found, target=spanned.placed(found.target, places(inputs)))
    if getattr(task_module(study), "KIND", "") == "contact":
        separation: int = config.options("tasks", study.task, "task")[1].separation
        return dataclasses.replace(found, target=paired.placed(found.target, places(inputs), separation))
    return _with_steps(found, fitted, known, plain=plain) if tagging else found


def places(inputs: Mapping[str, Ragged]) -> Places:
    """Where the steps of the one input stand. Raises ConfigError where they stand in no text."""
    ((name, ragged),) = inputs.items()
    if ragged.places is None:
        raise ConfigError(
            f"what is asked for stands in a text or sequence, and inputs.{name} gives none",
            hint='modality = "text" or "residues"',
        )
    return ragged.places


def _with_steps(rows: Evidence, fitted: Mapping[str, Fitted], known: Known, *, plain: bool) -> Evidence:
    ((name, ragged),) = rows.inputs.items()
    found = dataclasses.replace(rows, target=steps.aligned(rows.target, ragged, rows.specs[name]))
    count = int(ragged.offsets[-1])
    columns = read_plain_steps(fitted, known, count) if plain else _no_columns(count)
    return dataclasses.replace(found, steps=steps.each(found, columns))


def _no_columns(rows: int) -> Plain:
    return Plain(np.zeros((rows, 0), np.float32), ())
