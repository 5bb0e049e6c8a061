"""What a study says is known beforehand: its rules, and the concepts that its inputs are gathered into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sequela import config
from sequela.config import Study
from sequela.contracts import Fitted
from sequela.errors import ConfigError
from sequela.explain import concepts
from sequela.explain.concepts import Concepts
from sequela.modalities import waveform
from sequela.model import rules
from sequela.model.rules import Held


def check(study: Study, fitted: Mapping[str, Fitted], names: Sequence[str], find: Callable[[str], Path]) -> None:
    """Raises ConfigError for rules and concepts that cannot be meant, before anything is trained."""
    held_rules(study, fitted, names)
    concept_sets(study, fitted, find)


def held_rules(study: Study, fitted: Mapping[str, Fitted], names: Sequence[str]) -> tuple[Held, ...]:
    """The rules of the study, about these columns of the answer."""
    if study.explain is None or not study.explain.rules:
        return ()
    specs = {name: one.spec for name, one in fitted.items()}
    return rules.resolved(study.explain.rules, specs, config.choice(study.task, "task").name, names)


def concept_sets(study: Study, fitted: Mapping[str, Fitted], find: Callable[[str], Path]) -> tuple[Concepts, ...]:
    """The sets of concepts that the study names; `find` gives the path of a file that it names."""
    if study.explain is None:
        return ()
    return tuple(_set(one, fitted, find) for one in study.explain.concepts)


def _set(named: str, fitted: Mapping[str, Fitted], find: Callable[[str], Path]) -> Concepts:
    specs = {name: one.spec for name, one in fitted.items()}
    if named.endswith(".toml"):
        return concepts.written(find(named), specs)
    if named == "ecg_segments":
        return concepts.segments(specs, _beats(fitted))
    if named == "body_regions":
        return concepts.regions(specs)
    return concepts.named(named, specs)


def _beats(fitted: Mapping[str, Fitted]) -> dict[str, tuple[float, float]]:
    """Of each input of windows around beats the seconds before its R peak, and samples a second."""
    found = {}
    for name, one in fitted.items():
        options = getattr(one.modality, "config", None)
        if isinstance(options, waveform.Config) and options.window == "beat":
            found[name] = (config.microseconds(options.before) / 1e6, float(one.state.rate_hz))
    if not found:
        raise ConfigError(
            "explain.concepts: ecg_segments are of windows around beats, and no input has any",
            hint='modality = { name = "waveform", window = "beat" }',
        )
    return found
