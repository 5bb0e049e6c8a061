"""The page: its order, its style, and nothing from outside."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sequela.evaluate.report import run as runs
from sequela.evaluate.report.html import Safe, paragraph, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections import (
    closing,
    contacts,
    data,
    documents,
    drawn,
    explanations,
    fairness,
    forecasts,
    groups,
    making,
    marks,
    mutations,
    opening,
    performance,
    pictures,
    readings,
    strips,
    survival,
    uncertainty,
)
from sequela.evaluate.report.words import say, speaking

ORDER = (
    opening.outcome,
    data.data,
    data.split,
    marks.marks,
    performance.discrimination,
    performance.confusion,
    performance.threshold,
    performance.alerts,
    performance.recordings,
    performance.calibration,
    performance.benefit,
    performance.quantities,
    forecasts.forecasts,
    survival.survival,
    contacts.contacts,
    pictures.pictures,
    readings.readings,
    strips.strips,
    mutations.mutations,
    documents.documents,
    drawn.drawn,
    explanations.explanations,
    uncertainty.uncertainty,
    fairness.fairness,
    groups.groups,
    groups.without,
    making.audit,
    making.training,
    making.baselines,
    closing.limits,
    closing.environment,
    closing.undefined,
    closing.glossary,
)


def render(folder: Path, language: str = "en") -> str:
    """The report of the run in a folder, as one HTML page that needs no script and fetches nothing.

    Reads study.toml, flow.json, metrics.json, curves.json, run.json and trust.json. Raises DataError where one is missing.
    """
    with speaking(language):
        return _rendered(runs.read(folder), language)


def _rendered(run: Run, language: str) -> str:
    title = tag(
        "header", paragraph(say("Validation report"), class_="kind"), tag("h1", run.study.name), paragraph(run.study.question)
    )
    body = tag("main", title, opening.warnings(run), *[section(run) for section in ORDER])
    style = resources.files("sequela.evaluate.report").joinpath("style.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        Safe('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", say("{name}: validation report", name=run.study.name)),
        Safe(f"<style>{style}</style>"),
    )
    return f'<!DOCTYPE html>\n<html lang="{language}">{head.markup}{tag("body", body).markup}</html>\n'
