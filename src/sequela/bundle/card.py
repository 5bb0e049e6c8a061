"""The model card that travels in a bundle: what the model is for, what it was measured to do, what nobody has stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequela.bundle.predictor import Predictor

BLANK = "_not stated: to be filled in by the people responsible_"

NAMED = 30  # answers


def card(predictor: Predictor, metrics: Sequence[Mapping[str, Any]], index: Mapping[str, Any]) -> str:
    """The card in Markdown, every number from metrics.json."""
    study = predictor.study
    stated = study.statements
    inputs = "\n".join(
        f"- `{name}`: {one.spec.kind}, step {one.spec.shape or 'a code'}" for name, one in predictor.fitted.items()
    )
    return f"""# {study.name}

**Question.** {study.question}

**Answers.** {_answers(predictor.task.names)} ({predictor.task.kind}); given by the {predictor.final}.

**Inputs.**
{inputs}

{_rules(predictor)}## Measured on the test part

{_table(predictor.final, metrics)}

## Use

| | |
|---|---|
| Notes of the study | {study.notes or BLANK} |
| Intended use | {_said(stated.intended_use)} |
| User | {_said(stated.user)} |
| Place in the pathway | {_said(stated.pathway)} |
| Known inequalities | {_said(stated.known_inequalities)} |
| Limits | {_said(stated.limits)} |
| Approval, registration | {_said("; ".join(filter(None, [stated.approval, stated.registration])))} |

A prediction is refused for a subject outside the study's eligibility, and where no input is known. It is decision support, not a
diagnosis.

## Made with

sequela {index["sequela"]}; {", ".join(f"{name} {version}" for name, version in index["versions"].items())}
"""


def _said(text: str) -> str:
    """What people stated, in one cell of a table; or that they did not."""
    return " ".join(text.split()).replace("|", "\\|") or BLANK


def _rules(predictor: Predictor) -> str:
    """The rules that answers are held to, where there are any."""
    guard = predictor.guard
    if guard is None:
        return ""
    told = "\n".join(f"- {sentence}" for sentence in guard.told) or "- No rules were given."
    return f"**Rules.** {guard.notice}\n{told}\n\n"


def _answers(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _table(final: str, metrics: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        row
        for row in metrics
        if row["part"] == "test" and not row["group"] and not row["class"] and not row["against"] and row["value"] is not None
        and (row["model"] == final or row["model"].startswith("baseline:"))
    ]  # fmt: skip
    if not rows:
        return "The test part was not opened."
    lines = ["| model | split | metric | value | 95 % interval | n |", "|---|---|---|---|---|---|"]
    for row in rows:
        interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        lines.append(f"| {row['model']} | {row['split']} | {row['metric']} | {row['value']:.3f} | {interval} | {row['n']} |")
    return "\n".join(lines)
