"""The page: its order, its style, and nothing from outside."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sequela.evaluate.report import contents
from sequela.evaluate.report import run as runs
from sequela.evaluate.report.html import Safe, paragraph, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections import (
    characteristics,
    closing,
    contacts,
    data,
    documents,
    drawn,
    explanations,
    external,
    fairness,
    first,
    forecasts,
    groups,
    held,
    instability,
    knowledge,
    making,
    marks,
    mutations,
    opening,
    performance,
    pictures,
    plan,
    readings,
    robustness,
    size,
    strips,
    survival,
    uncertainty,
)
from sequela.evaluate.report.words import say, speaking

ORDER = (
    external.elsewhere,
    plan.accepted,
    opening.outcome,
    data.data,
    data.split,
    external.case_mix,
    external.sites,
    external.recalibration,
    characteristics.characteristics,
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
    knowledge.knowledge,
    uncertainty.uncertainty,
    robustness.robustness,
    fairness.fairness,
    groups.groups,
    groups.without,
    instability.instability,
    size.size,
    plan.plan,
    making.audit,
    making.training,
    making.baselines,
    closing.limits,
    held.held,
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
    named = {section.__name__: section(run) for section in ORDER}
    shown = {name: markup for name, markup in named.items() if markup.markup}
    title = tag("header", paragraph(say("Validation report"), class_="kind"), tag("h1", run.study.name))
    head = [title, first.lines(run), opening.warnings(run), first.open_items(run), contents.contents(shown)]
    body = tag("main", *head, *[contents.anchored(name, markup) for name, markup in shown.items()])
    return document(say("{name}: validation report", name=run.study.name), body, language)


def document(title: str, body: Safe, language: str) -> str:
    """A whole page of this style around its body."""
    style = resources.files("sequela.evaluate.report").joinpath("style.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        Safe('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", title),
        Safe(f"<style>{style}</style>"),
    )
    return f'<!DOCTYPE html>\n<html lang="{language}">{head.markup}{tag("body", body).markup}</html>\n'
