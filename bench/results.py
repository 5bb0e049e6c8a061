"""Writes docs/results.md from what was measured: every JSON in bench/results and in studies/results. Nothing there is typed.

A benchmark's file is what `harness.record` writes; a study's is what `studies/record.py` takes from a finished run.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "results.md"
HEAD = """# Measured results

<!-- made by bench/results.py: change that, not this -->

Every number on this page was written by a script from what it measured. A miss is reported and stands. Each study chose on its
tune part and opened its test part as often as is said; behind each value stands its 95 % interval.
"""
HEADLINES = {
    "anomaly": ("auroc", "auprc", "sensitivity", "specificity", "ppv", "false_alarms_per_hour", "range_f1"),
    "binary": ("auroc", "auprc", "brier", "calibration_slope", "sensitivity", "specificity", "ppv", "accuracy"),
    "multiclass": ("accuracy", "top3_accuracy", "macro_f1", "auroc", "log_loss"),
    "sentiment": ("quadratic_kappa", "rank_mae", "accuracy", "macro_f1", "auroc", "log_loss"),
    "tagging": ("accuracy", "sov", "gathered_accuracy", "gathered_sov", "macro_f1", "auroc", "log_loss"),
    "multilabel": ("fmax", "auroc", "auprc", "micro_auroc", "macro_f1", "micro_f1", "p_at_5", "brier"),
    "regression": ("mae", "mse", "rmse", "r2", "c_index", "mase"),
    "pair": ("c_index", "mse", "mae", "r2"),
    "forecast": ("mae", "rmse", "mase", "pinball", "coverage", "interval_width"),
    "next_event": ("perplexity", "next_accuracy", "next_in_10"),
    "generate": ("perplexity", "next_accuracy", "next_in_10"),
    "segment": ("dice", "hd95", "nsd", "f1", "sensitivity", "ppv", "auroc", "instance_f1", "instance_f1_strict"),
    "detect": ("ap50", "ap", "froc"),
    "entities": ("entity_f1", "entity_f1_partial", "ppv", "sensitivity"),
    "survival": ("td_c", "uno_c", "c_index", "integrated_brier"),
    "contact": ("precision_l5", "precision_l2", "precision_l", "contact_auprc"),
}
OF_CLASSES = ("sensitivity", "ppv", "f1")
BY_CLASS = {
    "multiclass": OF_CLASSES,
    "sentiment": OF_CLASSES,
    "tagging": (*OF_CLASSES, "sov"),
    "segment": ("dice", "iou", "hd95", "volume_error"),
    "detect": ("ap50", "ap", *OF_CLASSES, "count_mae", "count_bias"),
    "entities": ("entity_f1", "entity_f1_partial", "ppv", "sensitivity"),
    "survival": ("td_c", "uno_c", "c_index", "cumulative_auc", "integrated_brier", "brier", "observed_expected"),
    "contact": ("precision_l5", "precision_l2", "precision_l", "contact_auprc"),
}
NAMES = {
    "auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score", "ppv": "PPV", "macro_f1": "macro-F1", "log_loss": "log loss",
    "mae": "MAE", "rmse": "RMSE", "r2": "R²", "mase": "MASE", "f1": "F1", "calibration_slope": "calibration slope",
    "dice": "Dice", "hd95": "HD95", "nsd": "NSD", "iou": "IoU", "instance_f1": "F1 of instances (IoU ≥ .5)", "ap50": "AP50",
    "instance_f1_strict": "the same, mean over IoU .5 to .95", "ap": "AP50:95", "froc": "FROC", "count_mae": "count MAE",
    "micro_auroc": "micro-AUROC", "micro_f1": "micro-F1", "p_at_5": "P@5", "fmax": "Fmax", "top3_accuracy": "top-3 accuracy",
    "sov": "segment overlap", "gathered_accuracy": "accuracy, gathered", "gathered_sov": "segment overlap, gathered",
    "quadratic_kappa": "quadratic kappa", "rank_mae": "MAE in ranks", "count_bias": "count bias", "volume_error": "volume error",
    "entity_f1": "entity F1", "entity_f1_partial": "entity F1, partial",
    "pinball": "pinball loss", "interval_width": "width of the interval",
    "c_index": "C-index", "uno_c": "Uno's C", "td_c": "time-dependent C", "cumulative_auc": "AUC by the horizon",
    "integrated_brier": "integrated Brier score", "observed_expected": "observed / expected",
    "precision_l5": "precision at L/5", "precision_l2": "at L/2", "precision_l": "at L", "contact_auprc": "AUPRC of pairs",
    "next_accuracy": "accuracy of the next code", "next_in_10": "next code in the first 10",
}  # fmt: skip
UNPAIRED = ("sensitivity", "specificity", "ppv", "calibration_slope", "coverage", "interval_width")

Row = Mapping[str, Any]

LONGEST = 20  # lines of a table on the page


def page() -> str:
    """The page's text."""
    studies = sorted((ROOT / "studies" / "results").glob("*.json"))
    benchmarks = sorted((ROOT / "bench" / "results").glob("*.json"))
    parts = [HEAD, "## Studies\n", *map(study, studies)]
    if not studies:
        parts.append("No study's results are in `studies/results` yet.\n")
    parts += ["## Benchmarks\n", *map(benchmark, benchmarks)]
    if not benchmarks:
        parts.append("No benchmark's results are in `bench/results` yet.\n")
    return "\n".join(parts)


# ---------------------------------------------------------------------------------------------------------------------- studies


def study(path: Path) -> str:
    """One study: what was asked of whom, everybody's numbers side by side, the classes, the paired differences, where it ran."""
    told = json.loads(path.read_text(encoding="utf-8"))
    rows = [row for row in told["metrics"] if not row["group"]]
    beside = {row["group"] for row in told["metrics"] if "=" not in row["group"]} - {""}
    parts = [f"### {told['name']}\n", f"{told['question']} {_sentence(told)}\n", *_numbers(told["task"], rows)]
    for group in sorted(beside):
        found = [row for row in told["metrics"] if row["group"] == group]
        parts += [f"The same test part {group}:\n", *_numbers(told["task"], found)]
    parts += _groups([row for row in told["metrics"] if "=" in row["group"] and not row.get("class") and not row.get("against")])
    drawn = [_drawn(split["drawn"]) for split in told["splits"] if "drawn" in split]
    return "\n".join([*parts, *drawn, *_trusted(told.get("trust", {})), _ran(told), ""])


def _trusted(trust: Mapping[str, Any]) -> Iterator[str]:
    """What was asked for beforehand and became of it, how often sets held the truth, and who found the planted cells."""
    for one in trust.get("accepted", []):
        yield f"- Sealed beforehand: `{one['text']}`: {one['verdict']} ({_with_limits(one)})."
    if trust.get("accepted"):
        yield ""
    promised = trust.get("coverage")
    for name, how in (("covered", "limits for each class"), ("one_limit", "one limit for all")):
        cells = ", ".join(f"{one['class_']} {_with_limits(one)} (n = {one['rows']:,})" for one in trust.get(name, []))
        if cells:
            yield f"Share of sets that hold the truth, {promised:g} promised, {how}: {cells}.\n"
    yield from _planted(trust.get("planted", {}))


def _planted(planted: Mapping[str, Any]) -> Iterator[str]:
    """A line a method, or why none was scored."""
    if planted.get("reason"):
        yield f"Planted cells: not scored ({planted['reason']}; AUROC of the plant {_number(planted.get('auroc'))}).\n"
    found = [one for one in planted.get("methods", []) if one.get("auprc")]
    if not found:
        return
    yield f"Cells planted into {planted['scored']} held-out rows (AUPRC by chance {planted['chance']:.3f}):\n"
    yield from ("| method | AUPRC | AUROC | ms a row |", "|---|---|---|---|")
    for one in found:
        name, ms = one["method"].replace("_", " "), one.get("ms")
        yield f"| {name} | {_with_limits(one['auprc'])} | {_with_limits(one['auroc'])} | {'–' if ms is None else f'{ms:.1f}'} |"
    yield ""


def _with_limits(one: Mapping[str, Any]) -> str:
    value = one.get("value", one.get("share"))
    limits = "" if one.get("low") is None else f" [{one['low']:.3f}, {one['high']:.3f}]"
    return f"{_number(value)}{limits}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _drawn(told: Mapping[str, Any]) -> str:
    """What a language model of sequences draws, in a sentence or two."""
    valid, unique, novel = (
        f"{told[part]:,} of {told[whole]:,} ({told[part] / max(1, told[whole]):.3f})"
        for part, whole in (("valid", "samples"), ("unique", "valid"), ("novel", "unique"))
    )
    near = [f"{told[name][1]:.2f}" if told[name] else "-" for name in ("nearest", "nearest_held_out")]
    return (
        f"Drawn at a temperature of {told['temperature']:g}: valid {valid}; of these different {unique}; of these not in "
        f"training {novel}. "
        f"The nearest training sequence is alike by {near[0]} in the median, that of the test part by {near[1]}; the composition "
        f"lies {told['composition']:.3f} from training's. It is text that obeys a grammar, and nothing more.\n"
    )


def _sentence(told: Mapping[str, Any]) -> str:
    """How many rows were judged, over how many splits, after how many looks, at which cost."""
    splits, measured = told["splits"], told["measured"]
    sizes = [split["parts"]["test"] for split in splits]
    subjects = sum(size["subjects"] for size in sizes)
    rows = f"{sum(size['rows'] for size in sizes):,} test rows of {subjects:,} subject{'s' if subjects != 1 else ''}"
    data = f" Data: {told['data']['words']}." if told["data"].get("words") else ""
    where = f" in {len(splits)} splits, each number their mean" if len(splits) > 1 else ""
    looks = max(split["looks"] or 0 for split in splits)
    said = f"Judged on {rows}{where}; test was opened {looks} time{'s' if looks != 1 else ''}."
    overlap = f" Parts overlap: {told['overlap']}." if told["overlap"] else ""
    return f"{said}{overlap}{data} {told['parameters']:,} parameters, {measured['cpu_seconds']:,.0f} CPU-seconds in all."


def _numbers(task: str, rows: Sequence[Row]) -> Iterator[str]:
    """The tables of one set of rows."""
    whole = [row for row in rows if not row.get("class")]
    values = [row for row in whole if not row.get("against")]
    metrics = [metric for metric in HEADLINES[task] if any(row["metric"] == metric for row in values)]
    yield from _table("answer", _models(values), metrics, lambda model, metric: _cell(_find(values, model, metric)))
    if task in BY_CLASS:
        yield from _classes([row for row in rows if row.get("class") and not row.get("against")], BY_CLASS[task])
    pairs = list(dict.fromkeys((row["model"], row["against"]) for row in whole if row.get("against")))
    shown = [metric for metric in metrics if metric not in UNPAIRED]
    labels = {f"{_label(model)} less {_label(against)}": (model, against) for model, against in pairs}
    if pairs:
        differences = {(row["model"], row["against"], row["metric"]): row for row in whole if row.get("against")}
        yield from _table(
            "paired difference", labels, shown, lambda label, metric: _cell(differences.get((*labels[label], metric)), "+")
        )


def _models(rows: Iterable[Row]) -> dict[str, str]:
    return {_label(row["model"]): row["model"] for row in rows}


def _label(model: str) -> str:
    return model.removeprefix("baseline:").replace("_", " ") + (" (baseline)" if model.startswith("baseline:") else "")


def _find(rows: Iterable[Row], label: str, metric: str) -> Row | None:
    return next((row for row in rows if _label(row["model"]) == label and row["metric"] == metric), None)


def _groups(rows: Sequence[Row]) -> Iterator[str]:
    """What is kept of groups: one number of each answer in each."""
    for metric in dict.fromkeys(row["metric"] for row in rows):
        cells = {(_label(row["model"]), row["group"]): row for row in rows if row["metric"] == metric and "value" in row}
        groups = list(dict.fromkeys(group for _, group in cells))
        titles = {f"{group.partition('=')[2]} ({_rows_of(cells, group)} rows)": group for group in groups}
        if len(groups) > 1:
            yield from _table(
                f"{NAMES.get(metric, metric)} by {groups[0].partition('=')[0]}",
                dict.fromkeys(model for model, _ in cells),
                list(titles),
                lambda model, title, cells=cells, titles=titles: _cell(cells.get((model, titles[title]))),
            )


def _rows_of(cells: Mapping[tuple[str, str], Row], group: str) -> int:
    return next(row["n"] for (_, of), row in cells.items() if of == group)


def _classes(rows: Sequence[Row], wanted: Sequence[str]) -> Iterator[str]:
    """How well each class is found by the model, and by the ensemble where there is one; the baselines' classes are not shown."""
    names = list(dict.fromkeys(row["class"] for row in rows))
    for model in ("model", "ensemble"):
        mine = {(row["class"], row["metric"]): row for row in rows if row["model"] == model}
        metrics = [metric for metric in wanted if any(key[1] == metric for key in mine)]
        if metrics:
            events = {name: next((row.get("events") for row in rows if row["class"] == name), None) for name in names}
            labels = {f"{name} ({events[name]} rows)" if events[name] is not None else name: name for name in names}
            yield from _table(f"class, by the {model}", labels, metrics, _cells(mine, labels))


def _cells(found: Mapping[tuple[str, str], Row], labels: Mapping[str, str]) -> Callable[[str, str], str]:
    return lambda label, metric: _cell(found.get((labels[label], metric)))


def _table(corner: str, labels: Iterable[str], columns: Sequence[str], cell: Any) -> Iterator[str]:
    titles = [NAMES.get(column, column.replace("_", " ")) for column in columns]
    yield f"| {corner} | {' | '.join(titles)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for label in labels:
        yield f"| {label} | {' | '.join(cell(label, column) for column in columns)} |"
    yield ""


def _cell(row: Row | None, sign: str = "") -> str:
    """A value and its interval, as "0.812 (0.790 to 0.834)"; a dash where there is none."""
    if row is None or row.get("value") is None:
        return "–"
    limits = f" ({row['low']:.3f} to {row['high']:.3f})" if row.get("low") is not None else ""
    return f"{row['value']:{sign}.3f}{limits}".replace("-", "−")


def _ran(told: Mapping[str, Any]) -> str:
    measured = told["measured"]
    versions = ", ".join(f"{name} {measured['versions'][name]}" for name in ("sequela", "python", "torch"))
    return (
        f"Measured {measured['date']} at commit `{measured['commit']}` ({versions}; {measured['machine']['cores']} cores); "
        f"study `{measured['study']}`, data `{told['data']['hash'][:16]}`.\n"
    )


# ------------------------------------------------------------------------------------------------------------------- benchmarks


def benchmark(path: Path) -> str:
    """One benchmark: what it claims or measures, its numbers, and where they were measured."""
    told = json.loads(path.read_text(encoding="utf-8"))
    body = {key: value for key, value in told.items() if key not in ("name", "claim", "measured")}
    said = told.get("claim") or _summary(ROOT / "bench" / f"{path.stem}.py")
    single = [f"| {_words(name)} | {_text(value)} |" for name, value in body.items() if not _grid(value)]
    lines = ["| what | measured |", "|---|---|", *single, ""] if single else []
    grids = [line for name, value in body.items() if _grid(value) for line in _laid(name, value, path.name)]
    head = [f"### {_words(told.get('name', path.stem))}\n", *([_ended(said)] if said else [])]
    return "\n".join([*head, *lines, *grids, _circumstances(told.get("measured", {})), ""])


def _summary(script: Path) -> str:
    """The first line of a benchmark's docstring; "" where there is no such script."""
    return (ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "").partition("\n")[0] if script.is_file() else ""


def _ended(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.\n"


def _words(name: str) -> str:
    return name.replace("_", " ").replace("|", "\\|")


def _grid(value: Any) -> bool:
    """Whether a value is a table of its own: several records, by number or by name."""
    records = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(records) and all(isinstance(record, dict) for record in records)


def _laid(name: str, value: Any, file: str) -> Iterator[str]:
    """A table of records, one a line; what is nested in a record stands in its cell. A long one is cut and says so."""
    records = value if isinstance(value, dict) else {str(number): record for number, record in enumerate(value, 1)}
    columns = list(dict.fromkeys(column for record in records.values() for column in record))
    yield f"| {_words(name)} | {' | '.join(map(_words, columns))} |"
    yield "|---" * (len(columns) + 1) + "|"
    for label, record in list(records.items())[:LONGEST]:
        yield f"| {_words(label)} | {' | '.join(_text(record.get(column, '–')) for column in columns)} |"
    yield ""
    if len(records) > LONGEST:
        yield f"{len(records) - LONGEST} more lines are in `bench/results/{file}`.\n"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"
    if isinstance(value, dict) and set(value) == {"value", "low", "high"}:
        return _cell(value)
    if isinstance(value, dict):
        return "; ".join(f"{_words(str(key))} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value).replace("|", "\\|").replace("\n", " ")


def _circumstances(where: Mapping[str, Any]) -> str:
    machine, commit = where.get("machine", {}), where.get("commit", "")
    place = f"{machine.get('processor', 'an unknown processor')}, {machine.get('cores', '?')} cores"
    at = f" at commit `{commit}`{' with changes' if where.get('changed') else ''}" if commit else ""
    return f"Measured {where.get('date', 'at an unknown date')}{at} on {place}.\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
