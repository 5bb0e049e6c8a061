"""The plots of the report, each with a caption that says how to read it."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.curves import Agreement, Confusion, Drawn
from sequela.evaluate.facts import Epoch, FlowStep
from sequela.evaluate.report import numbers, svg
from sequela.evaluate.report.html import EMPTY, Safe, figure, text
from sequela.evaluate.report.words import later, retold, say

Named = Sequence[tuple[str, Drawn]]  # legend, curves
UNIT = (0.0, 1.0)
UPRIGHT = 6  # classes at most whose names stand side by side above a matrix


def _legend(those: Named) -> list[tuple[str, int]]:
    return [(name, place) for place, (name, _) in enumerate(those)]


def roc(those: Named) -> Safe:
    """Sensitivity over the false-positive rate, with the threshold of the first."""
    along = say("1 − specificity (false alarms among those without the event)")
    axes = svg.Axes(UNIT, UNIT, along, say("Sensitivity"))
    first = those[0][1]
    layers = [svg.guide(axes, UNIT, UNIT), svg.band(axes, first.roc.x, first.roc.low, first.roc.high)]
    layers += [svg.line(axes, one.roc.x, one.roc.y, place) for place, (_, one) in enumerate(those)]
    if first.table and {"sensitivity", "specificity"} <= first.table.rates.keys():
        rates = first.table.rates
        layers.append(svg.dot(axes, 1 - rates["specificity"].value, rates["sensitivity"].value))
    caption = say(
        "ROC curve. Each point is one threshold; the nearer the curve runs to the upper left corner, the better. The grey "
        "diagonal is chance. The shaded band is the 95 % interval of {who}{ring}.",
        who=those[0][0],
        ring=say("; the ring marks its threshold") if first.table else "",
    )
    return figure(svg.plot(axes, layers, say("ROC curves"), _legend(those)), caption)


def precision_recall(those: Named) -> Safe:
    """PPV over sensitivity, with the prevalence as chance."""
    axes = svg.Axes(UNIT, UNIT, say("Sensitivity (share of events found)"), say("PPV (share of calls that are right)"))
    first = those[0][1]
    share = first.events / first.n
    layers = [svg.guide(axes, UNIT, (share, share)), svg.band(axes, first.precision.x, first.precision.low, first.precision.high)]
    layers += [svg.line(axes, one.precision.x, one.precision.y, place) for place, (_, one) in enumerate(those)]
    caption = say(
        "Precision and recall. How many calls are right, for each share of events found. The grey line is the prevalence, "
        "{prevalence}: what calling at random would give.",
        prevalence=numbers.percent(share),
    )
    return figure(svg.plot(axes, layers, say("Precision-recall curves"), _legend(those)), caption)


def calibration(those: Named) -> Safe:
    """Observed over foreseen: tenths of the rows and a smooth curve of the first, smooth curves of the others."""
    first = those[0][1]
    axes = svg.Axes((0, _reach(first)), (0, _reach(first)), say("Risk foreseen"), say("Share in which it occurred"))
    layers = [svg.guide(axes, axes.x, axes.y), svg.band(axes, first.smooth.x, first.smooth.low, first.smooth.high)]
    layers += [svg.line(axes, one.smooth.x, one.smooth.y, place) for place, (_, one) in enumerate(those)]
    layers += [svg.whisker(axes, one.risk, one.observed, (one.low, one.high)) for one in first.calibration]
    caption = say(
        "Calibration. On the grey diagonal, risks mean what they say; below it they are too high, above it too low. Points are "
        "tenths of the rows by risk of {who}, with 95 % intervals; lines are smoothed.",
        who=those[0][0],
    )
    return figure(svg.plot(axes, layers, say("Calibration curves"), _legend(those)), caption)


def _reach(one: Drawn) -> float:
    """The upper end of both axes: all of the points, rounded up to a tenth."""
    highest = max([each.risk for each in one.calibration] + [each.high for each in one.calibration] + one.smooth.x)
    return min(1.0, (int(highest * 10) + 1) / 10)


def decision(those: Named) -> Safe:
    """Net benefit over the threshold, between treating nobody and everybody."""
    first = those[0][1]
    share = first.events / first.n
    axes = svg.Axes(
        (0, max(first.decision.x)),
        (-0.15 * share, share * 1.1),
        say("Threshold at which one would act"),
        say("Net benefit a row"),
    )
    layers = [
        svg.guide(axes, first.treat_all.x, first.treat_all.y),
        svg.guide(axes, axes.x, (0, 0)),
        svg.band(axes, first.decision.x, first.decision.low, first.decision.high),
    ]
    layers += [svg.line(axes, one.decision.x, one.decision.y, place) for place, (_, one) in enumerate(those)]
    if first.table:
        layers.append(svg.upright(axes, first.table.threshold, say("threshold")))
    caption = say(
        "Decision curve. Events found a row, less false alarms weighed by the odds of the threshold. A model is worth using only "
        "at thresholds where its curve lies above both grey lines: acting on everybody (falling) and on nobody (zero)."
    )
    return figure(svg.plot(axes, layers, say("Decision curves"), _legend(those)), caption)


def risks(name: str, one: Drawn) -> Safe:
    """How the risks of those with the event and of those without are spread, as shares of each."""
    events, others = sum(one.risks.events) or 1, sum(one.risks.others) or 1
    up, down = [k / events for k in one.risks.events], [k / others for k in one.risks.others]
    height = (-max(down) * 1.08, max(up) * 1.08 + 0.1 * (max(up) + max(down)))
    axes = svg.Axes(UNIT, height, say("Risk foreseen"), say("Share of rows"))
    layers = []
    for place in range(len(up)):
        edges = (one.risks.edges[place], one.risks.edges[place + 1])
        layers += [svg.bar(axes, edges, up[place], "#17406d"), svg.bar(axes, edges, -down[place], "#b5b5b5")]
    layers.append(svg.guide(axes, axes.x, (0, 0)))
    if one.table:
        layers.append(svg.upright(axes, one.table.threshold, say("threshold")))
    caption = say(
        "Risks by outcome, {name}. Above the line (dark) those with the event, below it (grey) those without, each as shares of "
        "their own number. The less the two overlap, the better they are told apart.",
        name=name,
    )
    return figure(svg.plot(axes, layers, say("Risks by outcome")), caption)


def losses(history: Sequence[Epoch], best: int | None) -> Safe:
    """Training and tune loss over the epochs."""
    if not history:
        return EMPTY
    values = [v for one in history for v in (one.train_loss, one.tune_loss) if v is not None]
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or 0.01
    epochs = [float(one.epoch) for one in history]
    axes = svg.Axes((min(epochs), max(*epochs, min(epochs) + 1)), (low - room, high + room), say("Epoch"), say("Loss"))
    layers = [
        svg.line(axes, epochs, [one.train_loss for one in history], 2),
        svg.line(axes, epochs, [one.tune_loss for one in history], 0),
    ]
    if best is not None:
        layers.append(svg.upright(axes, best, say("kept")))
    caption = say(
        "Training. The weights kept are those of the marked epoch, where tune was answered best. Where the training loss falls "
        "on while the tune loss rises, the network has begun to learn the training rows by heart."
    )
    return figure(svg.plot(axes, layers, say("Losses while training"), [(say("tune"), 0), (say("training"), 2)]), caption)


# ------------------------------------------------------------------------------------------------------------- confusion, flow


def confusion(name: str, one: Confusion) -> Safe:
    """The confusion matrix, shaded by the share of each true class."""
    k = len(one.classes)
    side = max(34, min(62, 330 // k))
    upright = k <= UPRIGHT
    left, top = 110, 46 if upright else 110
    width, height = left + k * side + 10, top + k * side + 30
    size, alt = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"', text(say("Confusion matrix"))
    pieces = [
        f'<svg {size} role="img" aria-label="{alt}">',
        f'<text class="label" x="{left + k * side / 2:.0f}" y="14" text-anchor="middle">{text(say("decided"))}</text>',
        f'<text class="label" x="12" y="{top + k * side / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 12 {top + k * side / 2:.0f})">{text(say("true"))}</text>',
    ]
    for row, counts in enumerate(one.counts):
        total = sum(counts) or 1
        y = top + row * side
        pieces.append(
            f'<text x="{left - 6}" y="{y + side / 2 + 4:.0f}" text-anchor="end">{text(_short(one.classes[row]))}</text>'
        )
        pieces.append(_column_name(one.classes[row], left + (row + 0.5) * side, top - 8, upright=upright))
        pieces += [_cell(left + column * side, y, side, count, count / total) for column, count in enumerate(counts)]
    pieces.append("</svg>")
    caption = say(
        "Confusion matrix, {name}. Each row is a true class, each column what was decided; the diagonal is right. Shading is "
        "the share of the true class.",
        name=name,
    )
    return figure(Safe("".join(pieces)), caption)


def _column_name(name: str, x: float, y: int, *, upright: bool) -> str:
    """Above a column: along the row where there is room, else along the column."""
    if upright:
        return f'<text x="{x:.0f}" y="{y}" text-anchor="middle">{text(_short(name, 9))}</text>'
    return (
        f'<text x="{x + 4:.0f}" y="{y}" text-anchor="start" transform="rotate(-90 {x + 4:.0f} {y})">{text(_short(name))}</text>'
    )


def _cell(x: float, y: float, side: int, count: int, share: float) -> str:
    ink = "#fff" if share > 0.55 else "#222"
    shade = f'fill="#17406d" fill-opacity="{0.04 + 0.9 * share:.2f}" stroke="#fff"'
    return (
        f'<rect x="{x}" y="{y}" width="{side}" height="{side}" {shade}/>'
        f'<text x="{x + side / 2:.0f}" y="{y + side / 2 + 4:.0f}" text-anchor="middle" style="fill:{ink}">{count:,}</text>'
    )


def _short(words: str, most: int = 15) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def flow(steps: Sequence[FlowStep]) -> Safe:
    """Boxes from all rows to those used, with what was left out on the way; conditions that left nobody out are counted below."""
    if not steps:
        return EMPTY
    shown = [(place + 1, step) for place, step in enumerate(steps) if step.out or step.before != _came(steps, place)]
    gap, box, width = 62, 30, 760
    height = (len(shown) + 1) * gap
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    pieces = [f'<svg {size} role="img" aria-label="{text(say("Flow of rows"))}">']
    pieces.append(_box(10, 4, say("{count} rows considered", count=f"{steps[0].before:,}"), box))
    for line, (place, step) in enumerate(shown):
        y = 4 + line * gap
        more = step.before - _came(steps, place - 1)
        pieces.append(f'<path class="axis" d="M130 {y + box}V{y + gap}M130 {y + box + 16}H300"/>')
        gone = f"−{step.out:,}  {retold(step.what)}: {retold(step.reason)}"
        left = f"{place}.  {gone}" if step.out else f"{place}.  +{more:,}  {say(_MORE)}"
        pieces.append(f'<text x="306" y="{y + box + 20}">{text(_short(left, 76))}</text>')
        pieces.append(_box(10, y + gap, _after(step), box))
    pieces.append("</svg>")
    idle = len(steps) - len(shown)
    several = say(" {count} further conditions left nobody out.", count=idle)
    nobody = "" if not idle else say(" 1 further condition left nobody out.") if idle == 1 else several
    caption = say("Flow. From every row that the question could be asked of to those used.{nobody}", nobody=nobody)
    return figure(Safe("".join(pieces)), caption)


_MORE = later("moments of prediction in each stay")


def _after(step: FlowStep) -> str:
    """How many rows go on, of how many subjects."""
    rows = f"{step.after:,}"
    if step.subjects is None:
        return say("{rows} rows", rows=rows)
    return say("{rows} rows of {subjects} subjects", rows=rows, subjects=f"{step.subjects:,}")


def _came(steps: Sequence[FlowStep], place: int) -> int:
    """Rows that the step before handed on; where a step begins with more, each row became several."""
    return steps[place - 1].after if place else steps[0].before


def _box(x: int, y: int, words: str, height: int) -> str:
    return (
        f'<rect class="box" x="{x}" y="{y}" width="240" height="{height}" rx="3"/>'
        f'<text x="{x + 120}" y="{y + height / 2 + 4:.0f}" text-anchor="middle">{text(words)}</text>'
    )


# ----------------------------------------------------------------------------------------------------------------- quantities


def agreement(name: str, one: Agreement) -> Safe:
    """The truth over the prediction."""
    values = one.predicted + one.observed + one.low + one.high
    span = (min(values), max(values))
    axes = svg.Axes(span, span, say("{quantity}, predicted", quantity=one.quantity), say("Observed"))
    places = range(len(one.predicted))
    layers = [svg.guide(axes, span, span)]
    layers += [svg.whisker(axes, one.predicted[k], one.observed[k], (one.low[k], one.high[k])) for k in places]
    caption = say(
        "Agreement, {name}. Rows of like prediction, up to twenty groups: their mean truth (points) and the middle 80 % of it "
        "(bars). On the grey diagonal predictions are right on average.",
        name=name,
    )
    return figure(svg.plot(axes, layers, say("Observed over predicted")), caption)


def errors(name: str, one: Agreement) -> Safe:
    """How the errors are spread."""
    total = sum(one.error_counts) or 1
    shares = [count / total for count in one.error_counts]
    ends, height = (one.error_edges[0], one.error_edges[-1]), (0, max(shares) * 1.08)
    axes = svg.Axes(ends, height, say("Predicted − observed"), say("Share of rows"))
    layers = [svg.bar(axes, (one.error_edges[k], one.error_edges[k + 1]), share, "#17406d") for k, share in enumerate(shares)]
    drawn = svg.plot(axes, [*layers, svg.guide(axes, (0, 0), axes.y)], say("Errors"))
    return figure(drawn, say("Errors, {name}. To the right of zero the prediction was too high, to the left too low.", name=name))
