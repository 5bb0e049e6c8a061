"""The page about drift: alarms first, what could have been seen, then every check. A page of its own, not of a run's report."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from sequela.evaluate.drift import words
from sequela.evaluate.drift.facts import Check, CumulativeSum, DriftFacts, Foreseen
from sequela.evaluate.report import numbers, svg
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figure, folded, paragraph, section, table, tag
from sequela.evaluate.report.words import say, speaking

MOST = 200  # checks that are listed


def page(facts: DriftFacts, language: str = "en") -> str:
    """One HTML page that needs no script and fetches nothing."""
    with speaking(language):
        return _page(facts, language)


def _page(facts: DriftFacts, language: str) -> str:
    title = tag("header", paragraph(say("Drift"), class_="kind"), tag("h1", facts.name))
    parts = [_verdict(facts), _alarms(facts), _ahead(facts), _labels(facts), _windows(facts), _course(facts.course), _all(facts)]
    style = resources.files("sequela.evaluate.report").joinpath("style.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        Safe('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", f"{facts.name}: drift"),
        Safe(f"<style>{style}</style>"),
    )
    return f'<!DOCTYPE html>\n<html lang="{language}">{head.markup}{tag("body", tag("main", title, *parts)).markup}</html>\n'


def _verdict(facts: DriftFacts) -> Safe:
    count = len(facts.alarms)
    held = say(
        "{rows} rows of {subjects} subjects were held against {before} subjects of development; the outcome of "
        "{labelled} rows is known.",
        rows=numbers.count(facts.rows),
        subjects=numbers.count(facts.subjects),
        before=numbers.count(facts.before),
        labelled=numbers.count(facts.labelled),
    )
    verdict = (
        say("{n} checks raise an alarm.", n=numbers.count(count))
        if count
        else say("No check raises an alarm. That is no proof that nothing has changed: what could have been seen stands below.")
    )
    rate = say(
        "Where nothing has changed, any of all checks raises an alarm in {share} of such comparisons. One row of each subject "
        "is compared, so that rows of one patient do not count as many.",
        share=numbers.percent(facts.false_alarms),
    )
    return section(say("Result"), paragraph(verdict, class_="verdict"), paragraph(held), paragraph(rate))


def _alarms(facts: DriftFacts) -> Safe:
    if not facts.alarms:
        return EMPTY
    return section(say("Alarms"), _checks(facts.alarms, say("p holds for all checks of its kind together.")))


def _checks(checks: Sequence[Check], caption: str) -> Safe:
    head = [say("What"), say("Of"), say("Then"), say("Now"), "PSI", "KS", "p"]
    return table(head, [_row(one) for one in checks[:MOST]], caption)


def _row(one: Check) -> list[Piece]:
    around = "" if one.low is None else f" [{words.value(one, one.low)}, {words.value(one, one.high)}]"
    sizes = [numbers.number(one.psi), numbers.number(one.ks)]
    p = one.reason or numbers.p_value(one.p) or "–"
    return [
        say(numbers.name(one.what)),
        f"{say(one.family)}, {say(numbers.name(one.measure))}",
        words.value(one, one.before),
        words.value(one, one.now) + around,
        *sizes,
        p,
    ]


def _ahead(facts: DriftFacts) -> Safe:
    head = [say("Change"), say("Of"), say("Power here"), say("Subjects needed"), say("Smallest change seen")]
    told = say(
        "The power with which these rows show a named change, the subjects that a power of {power} asks for, and the smallest "
        "change that these rows show with it. A dash: development itself was too small for any number, or no change that was "
        "looked at.",
        power=f"{facts.power:.2f}",
    )
    return section(say("What could have been seen"), table(head, [_foreseen(one) for one in facts.foreseen], told))


def _foreseen(one: Foreseen) -> list[Piece]:
    smallest = "–" if one.smallest is None else words.change(one, one.smallest)
    return [
        words.change(one, one.change),
        f"{say(one.family)}: {', '.join(say(numbers.name(name)) for name in (one.what, one.measure) if name)}",
        f"{one.power:.2f}",
        numbers.count(one.needed),
        smallest,
    ]


def _labels(facts: DriftFacts) -> Safe:
    rows: list[list[Piece]] = [
        [
            one.name,
            numbers.percent(one.before),
            one.reason or f"{numbers.percent(one.called)} [{numbers.percent(one.low)}, {numbers.percent(one.high)}]",
            numbers.percent(one.likeliest),
        ]
        for one in facts.shifted
    ]
    said = say(
        "An estimate without any label, which holds where nothing but the prevalence has changed. By what is called: Lipton "
        "2018; by the probabilities: Saerens 2002."
    )
    return section(
        say("How common the outcome is"),
        table([say("Outcome"), say("Then"), say("Now, by what is called"), say("Now, by the probabilities")], rows, said),
    )


def _windows(facts: DriftFacts) -> Safe:
    if facts.run_length is None:
        return EMPTY
    said = say(
        "Each window is a check of its own: where nothing has changed, one window in {length} raises an alarm.",
        length=f"{facts.run_length:.0f}",
    )
    head = [say("From"), say("To"), say("Subjects"), say("Mean score"), say("Events"), say("Expected"), "AUROC", say("Alarm")]
    rows: list[list[Piece]] = [
        [
            one.begin,
            one.end,
            numbers.count(one.subjects),
            numbers.number(one.score),
            numbers.count(one.events),
            numbers.number(one.expected, "mae"),
            "–" if one.auroc is None else f"{numbers.number(one.auroc)} [{numbers.number(one.low)}, {numbers.number(one.high)}]",
            say("yes") if one.alarm else "",
        ]
        for one in facts.windows
    ]
    return section(say("Along time"), paragraph(said), table(head, rows))


def _course(one: CumulativeSum | None) -> Safe:
    if one is None or len(one.at) < 2:
        return EMPTY
    days = [float(place) for place in range(len(one.at))]
    top = max([one.limit, *one.more, *one.fewer]) * 1.08
    axes = svg.Axes((0, days[-1]), (0, top), say("Days with rows, in order"), say("Cumulative sum"), x_ticks=False)
    layers = [svg.guide(axes, axes.x, (one.limit, one.limit))]
    layers += [svg.line(axes, days, values, place) for place, values in enumerate((one.more, one.fewer))]
    legend = [(say("more events than foreseen"), 0), (say("fewer"), 1)]
    caption = say(
        "From {begin} to {end}. The sum rises while outcomes come as if their odds were {ratio} times as high, or as low, as "
        "foreseen; the grey line is its limit.",
        begin=one.at[0],
        end=one.at[-1],
        ratio=f"{one.ratio:g}",
    )
    return figure(svg.plot(axes, layers, say("Cumulative sum"), legend), caption)


def _all(facts: DriftFacts) -> Safe:
    listed = min(MOST, len(facts.checks))
    said = say("{n} of {all} checks, by kind and p.", n=numbers.count(listed), all=numbers.count(len(facts.checks)))
    return folded(say("Every check"), _checks(facts.checks, said))
