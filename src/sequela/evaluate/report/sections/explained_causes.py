"""Every method against cells that are known to matter, since they were planted."""

from __future__ import annotations

from sequela.evaluate.explained import ExplanationFacts, MethodFacts, Score
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, paragraph, table, tag
from sequela.evaluate.report.words import later, say

METHODS = {
    "smoothed_gradient_shap": later("Gradient SHAP, shared with neighbours"),
    "gradient_shap": later("Gradient SHAP"),
    "integrated_gradients": later("Integrated gradients"),
    "gradient_explainer": later("SHAP gradient explainer"),
    "occlusion": later("Occlusion"),
    "ablation": later("Feature ablation"),
    "kernel_shap": later("Kernel SHAP"),
    "lime": later("LIME"),
    "attention": later("Attention"),
    "retain": later("RETAIN's own terms"),
    "grad_cam": later("Grad-CAM"),
}


def name_of(method: str) -> str:
    """What a method is called in the report."""
    return say(METHODS[method]) if method in METHODS else method.replace("_", " ")


def causes(found: ExplanationFacts) -> Safe:
    """The table of methods; nothing where none was scored."""
    planted = found.planted
    if not planted.methods:
        return EMPTY
    shown = next((k for k, one in enumerate(planted.methods) if one.method == found.method), -1)
    rows: list[list[Piece]] = [_row(one, shown=k == shown) for k, one in enumerate(planted.methods)]
    chance: list[Piece] = [say("Cells in a random order"), numbers.number(planted.chance), "–", numbers.number(0.5), "", "", ""]
    head = [
        say("Method"),
        say("AUPRC"),
        say("Against the one shown"),
        say("AUROC"),
        say("ms a row"),
        say("Points"),
        say("Rows"),
    ]
    return tag("h3", say("Known causes")) + paragraph(_planted(found)) + table(head, [*rows, chance], _caption(), shown)


def _caption() -> str:
    return say(
        "Methods held against the same planted cells, the best first; the one that is shown in this report is set apart. 95 % "
        "intervals by resampling patients. A network may rest on fewer cells than were planted: 1 is out of reach."
    )


def _planted(found: ExplanationFacts) -> str:
    planted = found.planted
    plants = {
        "window": say("a shift of a few features over some neighbouring steps"),
        "codes": say("a few codes of one of two sets"),
        "motif": say("one of two stretches of letters"),
        "bump": say("a bump in one channel"),
        "patch": say("a brighter or darker patch"),
    }
    return say(
        "Into {trained} training rows {plant} was planted in the input {input}, with a label that only it tells. A copy of the "
        "network learnt it in {steps} steps (AUROC of that label {auroc} on other rows of the {part} part). Each method then "
        "had to find the planted cells, {share} of a row's, in {scored} of these. Nothing of the test part is used.",
        trained=numbers.count(planted.trained),
        plant=plants[planted.plant],
        input=planted.input,
        steps=numbers.count(planted.steps),
        auroc=numbers.number(planted.auroc),
        part=planted.part,
        share=numbers.percent(planted.share),
        scored=numbers.count(planted.scored),
    )


def _row(one: MethodFacts, *, shown: bool) -> list[Piece]:
    if one.auprc is None:
        why = say("too slow") if one.reason == "slow" else say("refused: {told}", told=one.told)
        slow = numbers.number(one.ms, "mae") if one.ms is not None else ""
        return [name_of(one.method), tag("em", why), "–", "–", slow, "", ""]
    gain = say("shown") if shown else _interval(one.gain, signed=True)
    return [
        name_of(one.method),
        _interval(one.auprc),
        gain,
        _interval(one.auroc),
        numbers.number(one.ms, "mae"),
        numbers.count(one.points) if one.points else "",
        numbers.count(one.auprc.rows),
    ]


def _interval(score: Score | None, *, signed: bool = False) -> Piece:
    """A mean with its limits."""
    if score is None or score.value is None:
        return "–"
    value = numbers.number(score.value, signed=signed)
    if score.low is None or score.high is None:
        return value
    low, high = (numbers.number(limit, signed=signed) for limit in (score.low, score.high))
    return Safe(f"{value} ") + tag("small", f"[{low}, {high}]")
