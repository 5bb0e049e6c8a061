"""What was found of drift, for a person at a terminal: alarms first, then what would have raised one."""

from __future__ import annotations

from sequela.evaluate.drift.facts import Check, DriftFacts, Foreseen, Shifted
from sequela.evaluate.report import numbers

SHOWN = 20  # alarms at most, and the nearest of the others where there is none


def text(facts: DriftFacts) -> str:
    """A few lines: what was compared, what raised an alarm, and what these rows could show."""
    parts = [_head(facts), _alarms(facts), _labels(facts), _ahead(facts), _windows(facts)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _head(facts: DriftFacts) -> list[str]:
    lines = [
        f"{facts.name}: {facts.rows:,} rows of {facts.subjects:,} subjects, against {facts.before:,} subjects of development",
        f"{facts.labelled:,} rows have a known outcome. Where nothing has changed, all checks together raise an alarm in "
        f"{numbers.percent(facts.false_alarms)} of such comparisons; {', '.join(facts.families)} share that alike.",
    ]
    return lines + [f"{count:,} rows were not looked at: {reason}" for reason, count in facts.refused.items()]


def _alarms(facts: DriftFacts) -> list[str]:
    alarms, tested = facts.alarms, [one for one in facts.checks if one.p is not None or one.family == "course"]
    untold = [f"  not told: {one.what}: {one.reason}" for one in facts.checks if one.reason]
    if not alarms:
        return [
            f"No alarm in {len(tested):,} checks. That is no proof that nothing has changed: see what could have been seen.",
            *untold,
        ]
    rest = [f"  and {len(alarms) - SHOWN} more"] if len(alarms) > SHOWN else []
    return [f"ALARM: {len(alarms):,} of {len(tested):,} checks", *map(line, alarms[:SHOWN]), *rest, *untold]


def line(check: Check) -> str:
    """One check."""
    moved = f"{value(check, check.before)} -> {value(check, check.now)}" if check.now is not None else ""
    around = "" if check.low is None else f" [{value(check, check.low)}, {value(check, check.high)}]"
    sizes = "" if check.psi is None else f"  PSI {numbers.number(check.psi)}, KS {numbers.number(check.ks)}"
    p = f"  {numbers.p_value(check.p)}" if check.p is not None else ""
    return f"  {check.family:<12} {numbers.name(check.what)}, {numbers.name(check.measure)}: {moved}{around}{sizes}{p}"


def value(check: Check, number: float | None) -> str:
    """A number of a check, as what it is."""
    if number is None:
        return "–"
    if check.measure in ("missing", "called", "prevalence"):
        return numbers.percent(number)
    return f"{number:.4g}" if check.measure == "distribution" else numbers.number(number)


def _labels(facts: DriftFacts) -> list[str]:
    return ["How common the outcome is, had nothing changed but that:", *map(_shifted, facts.shifted)] if facts.shifted else []


def _shifted(one: Shifted) -> str:
    if one.called is None:
        return f"  {one.name}: not told: {one.reason}"
    within = f"[{numbers.percent(one.low)}, {numbers.percent(one.high)}]"
    likeliest = f", {numbers.percent(one.likeliest)} by its probabilities" if one.likeliest is not None else ""
    return f"  {one.name}: {numbers.percent(one.before)} -> {numbers.percent(one.called)} {within} by what is called{likeliest}"


def _ahead(facts: DriftFacts) -> list[str]:
    if not facts.foreseen:
        return []
    return [f"What could have been seen (power {facts.power:.2f}):", *[ahead(one, facts.power) for one in facts.foreseen]]


def ahead(one: Foreseen, wanted: float) -> str:
    """What these rows show of a named change, and how many subjects it asks for."""
    asked = (
        "no number of subjects shows that: development was too small"
        if one.needed is None
        else f"power {one.power:.2f} here, {wanted:.2f} needs {one.needed:,} subjects"
    )
    least = "" if one.smallest is None else f"; the smallest that would have been seen is {change(one, one.smallest)}"
    return f"  {one.family:<12} {named(one)} {change(one, one.change)}: {asked}{least}"


def named(one: Foreseen) -> str:
    """Of what a change is: "AUROC", or "death, called"."""
    return f"{numbers.name(one.what)}, {numbers.name(one.measure)}" if one.measure else numbers.name(one.what)


def change(one: Foreseen, value: float) -> str:
    if one.factor:
        return f"×{value:.2f}"
    spreads = " spreads" if one.family in ("inputs", "score") else ""
    return numbers.number(value, signed=True) + spreads


def _windows(facts: DriftFacts) -> list[str]:
    if not facts.windows:
        return []
    return [
        f"{len(facts.windows)} windows of time; where nothing has changed one in {facts.run_length:.0f} raises an alarm:",
        *[
            f"  {one.begin} to {one.end}: {one.subjects:,} subjects, mean score {numbers.number(one.score)}"
            + (f", {one.events} events of {one.expected:.1f} expected" if one.expected is not None else "")
            + ("  ALARM" if one.alarm else "")
            for one in facts.windows
        ],
    ]
