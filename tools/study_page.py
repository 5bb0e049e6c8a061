"""Writes docs/study.md from src/sequela/config: every key of a study, its type, default and the comment beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIG, PAGE = ROOT / "src" / "sequela" / "config", ROOT / "docs" / "study.md"
SECTIONS = {  # class -> where it stands in the file
    "Study": "The file itself",
    "Data": "`[data]`",
    "Cohort": "`[cohort]`",
    "Predicate": "`[cohort.predicates]`, each",
    "Window": "`[cohort.windows.NAME]`",
    "Exclusion": "`cohort.exclude`, each",
    "Group": "`cohort.groups`, each that is more than a name",
    "Outcome": "`[outcome]`",
    "Input": "`[inputs.NAME]`, one for each input",
    "Split": "`[split]`",
    "Apart": "`split.apart`",
    "Train": "`[train]`",
    "Optimizer": "`train.optimizer`",
    "Schedule": "`train.schedule`",
    "Pretrain": "`[pretrain]`",
    "Ensemble": "`[ensemble]`",
    "Baselines": "`[baselines]`",
    "Evaluate": "`[evaluate]`",
    "Uncertainty": "`[uncertainty]`",
    "Fairness": "`[fairness]`",
    "Plan": "`[plan]`",
    "Explain": "`[explain]`",
    "Rule": "`explain.rules`, each",
    "Robustness": "`[robustness]`",
    "Audit": "`[audit]`",
    "Statements": "`[statements]`",
}
HEAD = """# The study file

<!-- made by tools/study_page.py from src/sequela/config: change that, not this -->

A study is one TOML file. It states, it never computes. An unknown key or a wrong type is an error that names the place and the
nearest key; `sequela schema > study.schema.json` gives the same as JSON schema, so that editors complete it; `--set a.b=value`
lays a value over one key of a run. What ran is written in full into the run folder.

A *name* chooses something registered: `"lstm"`, or `{ name = "lstm", width = 64 }` with its options, which `sequela list
encoders` (readers, modalities, tasks, baselines) shows. A *duration* is a number and a unit: `48h`, `30d`, `90min`, `500ms`.
"""


def page() -> str:
    """The page's text."""
    told: dict[str, tuple[ast.ClassDef, list[str]]] = {}
    for name in ("trust", "statements", "sections"):
        text = (CONFIG / f"{name}.py").read_text(encoding="utf-8")
        told |= {node.name: (node, text.splitlines()) for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    return "\n".join([HEAD, *(_section(told[name][0], title, told[name][1]) for name, title in SECTIONS.items())])


def _section(node: ast.ClassDef, title: str, lines: list[str]) -> str:
    rows = [_row(field, lines) for field in node.body if isinstance(field, ast.AnnAssign)]
    table = ["| key | type | default | meaning |", "|---|---|---|---|", *rows]
    return "\n".join([f"## {title}", "", ast.get_docstring(node) or "", "", *table, ""]).replace("\n\n\n", "\n\n")


def _row(field: ast.AnnAssign, lines: list[str]) -> str:
    default = "required" if field.value is None else f"`{_default(ast.unparse(field.value))}`"
    cells = [
        f"`{ast.unparse(field.target)}`",
        _type(field.annotation),
        default,
        _comment(lines[(field.end_lineno or field.lineno) - 1]),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _comment(line: str) -> str:
    return line.partition("  # ")[2].strip()


def _default(text: str) -> str:
    named = {"None": "none", "True": "true", "False": "false"}
    return named.get(text, re.sub(r"'([^']*)'", r'"\1"', re.sub(r"^[A-Z]\w+\(\)$", "its own defaults", text)))


def _type(annotation: ast.expr) -> str:
    """In words of TOML; what may be left out is not told apart here."""
    if isinstance(annotation, ast.BinOp) and ast.unparse(annotation.right) == "None":
        return _type(annotation.left)
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        return _type(annotation.slice.elts[0]) + _bounds(ast.unparse(annotation.slice))  # type: ignore[attr-defined]
    text = ast.unparse(annotation)
    if text.startswith("Literal["):
        return "one of " + ", ".join(f"`{word}`" if word else '`""`' for word in ast.literal_eval(f"({text[8:-1]},)"))
    words = {"Duration": "duration", "Named": "name", "Name": "text", "str": "text", "int": "whole number", "float": "number"}
    return (
        re.sub(r"\b(Duration|Named|Name|str|int|float)\b", lambda m: words[m[1]], text)
        .replace(" | None", "")
        .replace(" | ", " or ")
    )


def _bounds(text: str) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [f"{signs[sign]} {value}" for sign, value in re.findall(r"\b(ge|gt|le|lt)=(-?[\d.]+)", text)]
    return f", {', '.join(found)}" if found else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
