"""Writes studies/results/NAME.json from finished runs.

    python studies/record.py [--data WORDS] [--name NAME] RUN...

What is kept of a run: every number over all rows of the test part with its interval, the paired differences, and how the run came
about (splits, looks at test, CPU-seconds, parameters, commit, versions, machine, hashes of the study and of the data). No row of
any patient, no path. WORDS say what the records were, where the study itself does not; NAME keeps a run beside a later one of the
same study. docs/results.md is made from these files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
# kept of groups as well, where these differ most
BY_GROUP = ("dice", "instance_f1", "ap50", "micro_f1", "quadratic_kappa", "c_index", "brier")
COVERED = ("class_", "rows", "subjects", "share", "low", "high", "size")
PLANTED = ("auroc", "level", "chance", "scored", "methods", "reason")
KEPT = ("model", "metric", "class", "value", "low", "high", "n", "events", "against", "p", "reason")


def record(run: Path, words: str = "", name: str = "") -> Path:
    """The file written for one run folder. Raises SystemExit where the run is not finished or never opened its test part."""
    missing = [name for name in ("study.toml", "metrics.json", "run.json") if not (run / name).is_file()]
    if missing:
        raise SystemExit(f"{run} is not a finished run: it has no {missing[0]}")
    text = (run / "study.toml").read_text(encoding="utf-8")
    study, facts = tomllib.loads(text), _json(run / "run.json")
    if not facts["test_opened"]:
        raise SystemExit(f"{run} never opened its test part, so it has no result to record")
    told = {
        "name": name or study["name"],
        "question": study["question"],
        "task": study["task"] if isinstance(study["task"], str) else study["task"]["name"],
        "overlap": facts["overlap"],
        "data": {"reader": facts["data"]["reader"], "hash": facts["data"]["hash"], "words": words},
        "splits": [_split(split) for split in facts["splits"]],
        "parameters": facts["parameters"],
        "metrics": _rows(_json(run / "metrics.json")),
        "measured": {
            "date": facts["date"][:10],
            "commit": facts["commit"][:12],
            "cpu_seconds": round(facts["cpu_seconds"], 1),
            "study": hashlib.sha256(text.encode()).hexdigest()[:16],
            "machine": facts["machine"],
            "versions": {"sequela": facts["version"], **facts["versions"]},
        },
    }
    if (run / "trust.json").is_file():
        told["trust"] = _trust(_json(run / "trust.json"))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{told['name']}.json"
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _split(split: Mapping[str, Any]) -> dict[str, Any]:
    """How large its parts are, how often its test part was opened, and what it cost."""
    parts = {part: {"rows": of["rows"], "subjects": of["subjects"]} for part, of in split["parts"].items()}
    told = {"name": split["name"], "parts": parts, "looks": split["looks"], "cpu_seconds": round(split["cpu_seconds"], 1)}
    drawn = split.get("drawn")  # of a language model of sequences: the numbers without the sequences
    return told | {"drawn": {name: value for name, value in drawn.items() if name != "shown"}} if drawn else told


def _trust(trust: Mapping[str, Any]) -> dict[str, Any]:
    """What was accepted, how often sets held the truth, and who found the planted cells: numbers over many rows alone."""
    uncertainty, explanation, plan = (trust.get(name) or {} for name in ("uncertainty", "explanation", "plan"))
    covered = [one for one in uncertainty.get("covered", []) if not one["group"] and one["class_"] and one["share"] is not None]
    plain = [one for one in uncertainty.get("plain", []) if not one["group"] and one["class_"] and one["share"] is not None]
    planted = explanation.get("planted") or {}
    told = {
        "accepted": plan.get("accepted", []),
        "coverage": uncertainty.get("coverage"),
        "covered": [{key: one[key] for key in COVERED} for one in covered],
        "one_limit": [{key: one[key] for key in COVERED} for one in plain],
        "planted": {key: planted[key] for key in PLANTED if planted.get(key) is not None},
    }
    return {key: value for key, value in told.items() if value}


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of the test part over all rows, without the subjects left out, or (BY_GROUP alone) by group.

    Of the only split, or the mean over several.
    """
    test = [row for row in rows if row["part"] == "test" and ("=" not in row["group"] or row["metric"] in BY_GROUP)]
    split = "mean" if any(row["split"] == "mean" for row in test) else test[0]["split"]
    kept = [row for row in test if row["split"] == split]
    return [{"group": row["group"], **{key: row[key] for key in KEPT if row.get(key) not in (None, "")}} for row in kept]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="a folder that `sequela run` wrote")
    parser.add_argument("--data", default="", metavar="WORDS", help="what the records were")
    parser.add_argument("--name", default="", metavar="NAME", help="of the result (default: the study's)")
    given = parser.parse_args()
    for folder in given.runs:
        print(record(folder, given.data, given.name))
