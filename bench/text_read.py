"""From documents to steps: words per CPU-second of each form, and what a note of 20 MB costs.

    python bench/text_read.py FOLDER       the set mts_dialog: CSV files with a column dialogue

Each form is a process of its own, with one thread: the modality is fitted on the training dialogues, and charged for reading the
others, repeated with a number of their own until they are a million words, none of which it has cut before. The note
of 20 MB is dialogues end to end; its memory is the largest resident size less that of the process before it is read.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SINGLE = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1"}
FORMS: dict[str, dict[str, Any]] = {
    "words": {},
    "words with 25 characters": {"characters": 25},
    "words with scopes": {"side": ["negated", "family", "past", "uncertain"]},
    "sentences": {"form": "sentences"},
    "subwords": {"form": "subwords", "size": 4000},
}
WORDS = 1_000_000
LONG = 20_000_000  # characters of one note


def main() -> None:
    parser = argparse.ArgumentParser(description="documents to steps: speed and memory")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--form", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.form:
        print(json.dumps(measured(given.folder, given.form)))
        return
    from harness import record

    found = {form: child(given.folder, form) for form in FORMS}
    record("text_read", {"claim": "documents to steps that point back to their places, one thread", "forms": found})


def child(folder: Path, form: str) -> dict[str, Any]:
    command = [sys.executable, __file__, str(folder), "--form", form]
    done = subprocess.run(command, env=os.environ | SINGLE, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(folder: Path, form: str) -> dict[str, Any]:
    from harness import measure, peak_megabytes

    from sequela import config
    from sequela.modalities import text

    modality = text.build(config.convert(FORMS[form], text.Config))
    learnt, others = dialogues(folder, "TrainingSet"), dialogues(folder, "ValidationSet", "TestSet")
    state = modality.fit(known(learnt))
    words = sum(len(note.split()) for note in others)
    many = known([f"{number} {note}" for number in range(WORDS // words + 1) for note in others])
    with measure() as reading:
        steps = len(modality.read(many, state).position)
    with measure() as counting:
        modality.plain(many, state)
    long = known(["\n".join(learnt * (LONG // sum(map(len, learnt)) + 1))[:LONG]])
    before = peak_megabytes()
    with measure() as whole:
        long_steps = len(modality.read(long, state).position)
    return {
        "steps": steps,
        "white_spaced_words_per_cpu_second": (WORDS // words + 1) * words / reading.cpu_seconds,
        "cpu_seconds_of_counts_beside": counting.cpu_seconds,
        "long_note": {"steps": long_steps, "cpu_seconds": whole.cpu_seconds, "megabytes": peak_megabytes() - before},
    }


def dialogues(folder: Path, *kinds: str) -> list[str]:
    found = []
    for path in sorted(folder.glob("*.csv")):
        if any(kind in path.name for kind in kinds):
            with path.open(encoding="utf-8-sig", newline="") as lines:
                found += [row["dialogue"] for row in csv.DictReader(lines)]
    return found


def known(notes: list[str]) -> Any:
    """A row for each note."""
    from sequela.modalities._synthetic import Held, events
    from sequela.types import Known

    count = len(notes)
    columns = {"row": list(range(count)), "position": [0.0] * count, "code": ["NOTE"] * count, "text_value": notes}
    return Known(count, events(columns), Held({}), {"NOTE": "text"})


if __name__ == "__main__":
    main()
