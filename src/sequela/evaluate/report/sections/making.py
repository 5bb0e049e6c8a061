"""How the model and the baselines came about, and what the leak audit found."""

from __future__ import annotations

from collections.abc import Mapping

from sequela import config
from sequela.evaluate.facts import Alarm, BaselineFacts, PretrainFacts, VectorFacts
from sequela.evaluate.report import numbers, plots
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figures, folded, paragraph, section, table, tag, text
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.words import later, retold, say


def audit(run: Run) -> Safe:
    """Every check of the leak audit with what it found."""
    rows: list[list[Piece]] = [
        [_check(one.check), _severity(one), retold(one.text), numbers.count(one.count), one.allowed or "–"]
        for one in run.facts.audit
    ]
    if not rows:
        return section(say("Leak audit"), paragraph(say("No check of the leak audit is recorded for this run.")))
    said = paragraph(say("Each check looks for a way in which the inputs or the split could give the answer away."))
    head = [say("Check"), say("Result"), say("Found"), say("Count"), say("Why it was let stand")]
    return section(say("Leak audit"), said, table(head, rows))


def _check(name: str) -> Safe:
    """The name of a check, which breaks between its words."""
    return Safe(text(retold(name)).replace("_", "_<wbr>"))


def _severity(alarm: Alarm) -> Piece:
    return tag("strong", say(alarm.severity)) if alarm.severity in ("warning", "leak") else say(alarm.severity)


def training(run: Run) -> Safe:
    """The network, how it was trained, and how its answers were put together."""
    study = run.study
    how = study.train
    stated: list[tuple[str, str]] = [
        (say("Encoders"), "; ".join(f"{name}: {_named(one.encoder)}" for name, one in study.inputs.items())),
        (say("Joined by"), _named(study.fuse)),
        (say("Task"), _named(study.task)),
        (say("Parameters"), numbers.count(run.facts.parameters)),
        (say("Optimiser"), _optimiser(how.optimizer)),
        (say("Schedule"), how.schedule.name),
        (say("Epochs, batch"), _epochs(how)),
        (say("Balancing"), say(how.balance)),
        (say("Members, seed"), f"{how.members}, {how.seed}"),
        (say("Computing"), _computing(run.facts.cpu_seconds)),
    ]
    stated += [(say("Pretrained"), _pretrained(one.pretrained)) for one in run.facts.splits if one.pretrained is not None]
    stated += [(say("Word vectors"), _begun(told)) for one in run.facts.splits for told in one.vectors]
    weights = [one.ensemble for one in run.facts.splits if one.ensemble]
    if weights:
        shown = "; ".join(", ".join(f"{label(name)} {weight:.2f}" for name, weight in one.items()) for one in weights)
        stated.append((say("Ensemble weights"), shown))
    rows: list[list[Piece]] = [[name, value] for name, value in stated]
    drawn = [plots.losses(one.history, one.best_epoch) for one in run.facts.splits[:4]]
    return section(say("How the model was trained"), table(["", ""], rows), figures(*drawn))


def _optimiser(one: config.Optimizer) -> str:
    told = later("{name}, learning rate {rate}, weight decay {decay}")
    return say(told, name=one.name, rate=f"{one.lr:g}", decay=f"{one.weight_decay:g}")


def _epochs(how: config.Train) -> str:
    told = later("at most {epochs}, {rows} rows; patience {patience}")
    return say(told, epochs=how.epochs, rows=how.batch, patience=how.patience)


def _computing(seconds: float | None) -> str:
    return "–" if seconds is None else say("{seconds} CPU-seconds in all", seconds=f"{seconds:,.0f}")


def _pretrained(told: PretrainFacts) -> str:
    """How the encoder was pretrained, in a sentence."""
    others = say(" ({count} without a row in the cohort)", count=numbers.count(told.unlabelled)) if told.unlabelled else ""
    hidden, count = f"{told.masked:.0%}", numbers.count(told.codes)
    asked = say("to tell hidden codes ({share})", share=hidden) if told.masked else say("to foresee the next code")
    codes = say("{count} codes hidden when judged", count=count) if told.masked else say("{count} codes", count=count)
    return say(
        "{input}: {asked} in {sequences} sequences{others} of {codes}; perplexity {perplexity}{right} on {held_out} held out, "
        "over a vocabulary of {vocabulary}",
        input=told.input,
        asked=asked,
        sequences=numbers.count(told.sequences),
        others=others,
        codes=codes,
        perplexity=numbers.number(told.perplexity, "perplexity"),
        right="" if told.accuracy is None else say(", accuracy {accuracy},", accuracy=f"{told.accuracy:.3f}"),
        held_out=numbers.count(told.held_out),
        vocabulary=numbers.count(told.vocabulary),
    )


def _begun(told: VectorFacts) -> str:
    """Which vectors an encoder began at, and how much of the text has one, in a sentence."""
    return say(
        "{input}: {source}, {width} wide, of {known} of {vocabulary} words{lower}{read}",
        input=told.input,
        source=told.source,
        width=told.width,
        known=numbers.count(told.known),
        vocabulary=numbers.count(told.vocabulary),
        lower=say(" ({count} in lower case alone)", count=numbers.count(told.lower)) if told.lower else "",
        read="" if told.read is None else say(", {share} of the training text", share=numbers.percent(told.read)),
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
    where = say(" (of {split}; the other splits are in their own folders)", split=first.name) if run.several else ""
    said = say(
        "Each plain model was fitted on train and its settings chosen on tune, on the same rows as the model{where}.", where=where
    )
    rows: list[list[Piece]] = [
        [label(one.name), retold(one.refused) or _chosen(one), numbers.count(len(one.tried) or None)] for one in first.baselines
    ]
    more = [piece for one in first.baselines for piece in (_of_each(one), _tried(one))]
    return section(say("Baselines"), paragraph(said), table(["", say("Chosen"), say("Settings tried")], rows), *more)


def _chosen(one: BaselineFacts) -> str:
    """In a cell; of a model that learns several labels by themselves the table of `_of_each` tells."""
    each = _by_label(one)
    if len(each) > 1:
        return say("of each of {count} labels, below", count=numbers.count(len(each)))
    return _settings(one.chosen) or say("nothing to choose")


def _of_each(one: BaselineFacts) -> Safe:
    each = _by_label(one)
    if len(each) < 2:
        return EMPTY
    names = list(dict.fromkeys(name for settings in each.values() for name in settings))
    rows: list[list[Piece]] = [[of, *[settings.get(name, "") for name in names]] for of, settings in each.items()]
    told = table([say("Label"), *[name.capitalize() for name in names]], rows)
    return folded(say("Chosen for {name}, by label", name=label(one.name)), told)


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
    told = table([say("Settings"), say("Score on tune (higher is better)")], rows)
    return folded(say("All settings tried for {name}", name=label(one.name)), told)
