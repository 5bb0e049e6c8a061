"""How the model and the baselines came about, and what the leak audit found."""

from __future__ import annotations

from collections.abc import Mapping

from sequela import config
from sequela.evaluate.facts import Alarm, BaselineFacts, PretrainFacts, VectorFacts
from sequela.evaluate.report import numbers, plots
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figures, folded, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label


def audit(run: Run) -> Safe:
    """Every check of the leak audit with what it found."""
    rows: list[list[Piece]] = [
        [one.check, _severity(one), one.text, numbers.count(one.count), one.allowed or "–"] for one in run.facts.audit
    ]
    if not rows:
        return section("Leak audit", paragraph("No check of the leak audit is recorded for this run."))
    said = paragraph("Each check looks for a way in which the inputs or the split could give the answer away.")
    return section("Leak audit", said, table(["Check", "Result", "Found", "Count", "Why it was let stand"], rows))


def _severity(alarm: Alarm) -> Piece:
    return tag("strong", alarm.severity) if alarm.severity in ("warning", "leak") else alarm.severity


def training(run: Run) -> Safe:
    """The network, how it was trained, and how its answers were put together."""
    study = run.study
    how = study.train
    stated: list[tuple[str, str]] = [
        ("Encoders", "; ".join(f"{name}: {_named(one.encoder)}" for name, one in study.inputs.items())),
        ("Joined by", _named(study.fuse)),
        ("Task", _named(study.task)),
        ("Parameters", numbers.count(run.facts.parameters)),
        ("Optimiser", f"{how.optimizer.name}, learning rate {how.optimizer.lr:g}, weight decay {how.optimizer.weight_decay:g}"),
        ("Schedule", how.schedule.name),
        ("Epochs, batch", f"at most {how.epochs}, {how.batch} rows; patience {how.patience}"),
        ("Balancing", how.balance),
        ("Members, seed", f"{how.members}, {how.seed}"),
        ("Computing", "–" if run.facts.cpu_seconds is None else f"{run.facts.cpu_seconds:,.0f} CPU-seconds in all"),
    ]
    stated += [("Pretrained", _pretrained(one.pretrained)) for one in run.facts.splits if one.pretrained is not None]
    stated += [("Word vectors", _begun(told)) for one in run.facts.splits for told in one.vectors]
    weights = [one.ensemble for one in run.facts.splits if one.ensemble]
    if weights:
        shown = "; ".join(", ".join(f"{label(name)} {weight:.2f}" for name, weight in one.items()) for one in weights)
        stated.append(("Ensemble weights", shown))
    rows: list[list[Piece]] = [[name, value] for name, value in stated]
    drawn = [plots.losses(one.history, one.best_epoch) for one in run.facts.splits[:4]]
    return section("How the model was trained", table(["", ""], rows), figures(*drawn))


def _pretrained(told: PretrainFacts) -> str:
    """How the encoder was pretrained, in a sentence."""
    others = f" ({numbers.count(told.unlabelled)} without a row in the cohort)" if told.unlabelled else ""
    asked = f"to tell hidden codes ({told.masked:.0%})" if told.masked else "to foresee the next code"
    codes = f"{numbers.count(told.codes)} codes" + (" hidden when judged" if told.masked else "")
    right = "" if told.accuracy is None else f", accuracy {told.accuracy:.3f},"
    return (
        f"{told.input}: {asked} in {numbers.count(told.sequences)} sequences{others} of {codes}; perplexity "
        f"{numbers.number(told.perplexity, 'perplexity')}{right} on {numbers.count(told.held_out)} held out, over a "
        f"vocabulary of {numbers.count(told.vocabulary)}"
    )


def _begun(told: VectorFacts) -> str:
    """Which vectors an encoder began at, and how much of the text has one, in a sentence."""
    read = "" if told.read is None else f", {100 * told.read:.1f} % of the training text"
    lower = f" ({numbers.count(told.lower)} in lower case alone)" if told.lower else ""
    return (
        f"{told.input}: {told.source}, {told.width} wide, of {numbers.count(told.known)} of {numbers.count(told.vocabulary)} "
        f"words{lower}{read}"
    )


def _named(named: config.Named) -> str:
    chosen = config.choice(named, "")
    return f"{chosen.name} ({_settings(chosen.options)})" if chosen.options else chosen.name


def _settings(settings: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


def baselines(run: Run) -> Safe:
    """Which plain models were tried, with which settings."""
    first = run.first_split()
    if first is None or not first.baselines:
        return EMPTY
    where = f" (of {first.name}; the other splits are in their own folders)" if run.several else ""
    said = paragraph(
        f"Each plain model was fitted on train and its settings chosen on tune, on the same rows as the model{where}."
    )
    rows: list[list[Piece]] = [
        [label(one.name), one.refused or _chosen(one), numbers.count(len(one.tried) or None)] for one in first.baselines
    ]
    more = [piece for one in first.baselines for piece in (_of_each(one), _tried(one))]
    return section("Baselines", said, table(["", "Chosen", "Settings tried"], rows), *more)


def _chosen(one: BaselineFacts) -> str:
    """In a cell; of a model that learns several labels by themselves the table of `_of_each` tells."""
    each = _by_label(one)
    if len(each) > 1:
        return f"of each of {numbers.count(len(each))} labels, below"
    return _settings(one.chosen) or "nothing to choose"


def _of_each(one: BaselineFacts) -> Safe:
    each = _by_label(one)
    if len(each) < 2:
        return EMPTY
    names = list(dict.fromkeys(name for settings in each.values() for name in settings))
    rows: list[list[Piece]] = [[of, *[settings.get(name, "") for name in names]] for of, settings in each.items()]
    return folded(f"Chosen for {label(one.name)}, by label", table(["Label", *[name.capitalize() for name in names]], rows))


def _by_label(one: BaselineFacts) -> dict[str, dict[str, str]]:
    """Of each label its settings; "" is the label where the model learns all of them at once."""
    found: dict[str, dict[str, str]] = {}
    for key, value in one.chosen.items():
        of, _, name = key.rpartition(", ")
        found.setdefault(of, {})[name] = value
    return found


def _tried(one: BaselineFacts) -> Safe:
    if len(one.tried) < 2:
        return EMPTY
    rows: list[list[Piece]] = [[_settings(trial.settings), numbers.number(trial.score)] for trial in one.tried]
    return folded(f"All settings tried for {label(one.name)}", table(["Settings", "Score on tune (higher is better)"], rows))
