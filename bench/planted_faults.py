"""Twelve faults are planted, one at a time, into data in order; each has to be named by the audit, the report or `drift`.

Simulated stays, X-rays, ECG and texts, each first as they are, then with the fault.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from harness import record

from sequela import config, pipeline, simulate
from sequela.errors import LeakError

SUBJECTS, PICTURES, RECORDINGS, TEXTS = 600, 600, 24, 400
WARD: dict[str, Any] = {
    "name": "planted", "question": "Will this patient die in hospital?",
    "data": {"reader": "physionet2012", "source": ""},
    "cohort": {"index": "ICU//ADMISSION", "predict_at": "48h", "history": "48h", "groups": ["sex", "icu_type"]},
    "outcome": {"code": "DEATH//IN_HOSPITAL", "within": "stay"},
    "inputs": {
        "chart": {"modality": {"name": "measurements", "grid": "4h", "steps": 12, "context": ["AGE", "SEX"]}, "encoder": "gru"},
    },
    "task": "binary", "train": {"epochs": 2, "patience": 0}, "baselines": {"names": ["logistic"]}, "evaluate": {"bootstrap": 200},
}  # fmt: skip
XRAY: dict[str, Any] = {
    "name": "planted", "question": "Is there an opacity?", "data": {"reader": "npz", "source": ""}, "cohort": {"index": "SAMPLE"},
    "outcome": {"column": "label"}, "inputs": {"xray": {"modality": "image", "encoder": "cnn"}}, "task": "binary",
    "split": {"by": "list"},
}  # fmt: skip
ECG: dict[str, Any] = {
    "name": "planted", "question": "Which beat is this?", "data": {"reader": "wfdb", "source": ""},
    "cohort": {"index": "EACH//BEAT", "predict_at": "2s", "history": "10s"},
    "outcome": {"column": "beat", "classes": {"N": ["N"], "S": ["S"], "V": ["V"]}},
    "inputs": {"ecg": {"modality": {"name": "waveform", "before": "280ms", "after": "440ms"}, "encoder": "resnet1d"}},
    "task": "multiclass",
}  # fmt: skip
TEXT: dict[str, Any] = {
    "name": "planted", "question": "Which condition is it?", "cohort": {"index": "SAMPLE"}, "outcome": {"column": "diagnosis"},
    "data": {
        "reader": "text", "source": "",
        "options": {
            "file": "symptoms.jsonl", "subject": "subject", "text": "text", "labels": ["diagnosis"], "spans": ["evidence"],
            "part": "part",
        },
    },
    "inputs": {"text": {"modality": "text", "encoder": "lstm"}}, "task": "multiclass", "split": {"by": "list"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is planted, where it should be named, and how it is told there."""

    name: str
    by: str  # "audit", "report" or "drift"
    told: Callable[[Path], str]  # everything that is said of data in a new folder
    says: str  # a regular expression


def altered(study: dict[str, Any], **sections: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {**value, **sections[key]} if key in sections else value
        for key, value in {**{name: {} for name in sections}, **study}.items()
    }


def checked(study: dict[str, Any], data: Path) -> str:
    """What `sequela check` alarms of, or why it refuses."""
    try:
        found = pipeline.check(config.convert(study, config.Study), data=data)
    except LeakError as error:
        return error.message
    return "\n".join(f"{alarm.check}: {alarm.text}" for alarm in found.alarms if alarm.severity in ("warning", "leak"))


# ------------------------------------------------------------------------------------------------------------------------- wards


def ward(folder: Path, seed: int = 0) -> Path:
    simulate.write("ward", folder / "ward", subjects=SUBJECTS, seed=seed)
    return folder / "ward"


def stays(data: Path) -> list[Path]:
    return sorted((data / "set-a").glob("*.txt"))


def outcomes(data: Path) -> list[list[str]]:
    return [line.split(",") for line in (data / "Outcomes-a.txt").read_text().splitlines()]


def dead(data: Path) -> set[str]:
    return {row[0] for row in outcomes(data)[1:] if row[5] == "1"}


def every_value(stay: Path, parameter: str, factor: float) -> None:
    lines = [line.split(",") for line in stay.read_text().splitlines()]
    changed = [[t, p, f"{float(v) * factor:.3f}"] if p == parameter else [t, p, v] for t, p, v in lines]
    stay.write_text("".join(",".join(line) + "\n" for line in changed))


def subject_in_two_parts(folder: Path) -> str:
    data = ward(folder)
    names = [stay.stem for stay in stays(data)]
    parts = {"train": names[:400], "tune": names[400:500], "test": names[490:]}
    return checked(altered(WARD, split={"by": "list", "parts": parts}), data)


def copies(folder: Path, share: float = 1.0) -> str:
    """A tenth of the stays appears again under another number; with a share below 1 some values are changed a little."""
    data = ward(folder)
    table = outcomes(data)
    for k, stay in enumerate(stays(data)[: SUBJECTS // 10]):
        number = str(900000 + k)
        shutil.copyfile(stay, stay.with_name(f"{number}.txt"))
        text = stay.with_name(f"{number}.txt").read_text().replace(f"RecordID,{stay.stem}", f"RecordID,{number}")
        stay.with_name(f"{number}.txt").write_text(text)
        if share < 1:
            every_value(stay.with_name(f"{number}.txt"), "HR", 1.003)
        table.append([number, *next(row[1:] for row in table if row[0] == stay.stem)])
    (data / "Outcomes-a.txt").write_text("".join(",".join(row) + "\n" for row in table))
    return checked(WARD, data)


def outcome_among_inputs(folder: Path) -> str:
    modality = {"name": "measurements", "grid": "4h", "steps": 12, "context": ["AGE", "SCORE//SOFA"]}
    return checked(altered(WARD, inputs={"chart": {"modality": modality, "encoder": "gru"}}), ward(folder))


def written_after_death(folder: Path) -> str:
    """Troponin is charted for those who die, and for nobody else: as if it had been entered with the certificate."""
    data = ward(folder)
    for stay in stays(data):
        lines = [line for line in stay.read_text().splitlines() if ",TroponinT," not in line]
        stay.write_text("\n".join([*lines, *(["47:30,TroponinT,0.4"] if stay.stem in dead(data) else [])]) + "\n")
    return checked(WARD, data)


def labels_turned_in_one_group(folder: Path) -> str:
    data = ward(folder)
    women = {stay.stem for stay in stays(data) if ",Gender,0" in stay.read_text()}
    table = outcomes(data)
    for row in table[1:]:
        row[5] = str(1 - int(row[5])) if row[0] in women else row[5]
        row[4] = "3" if row[5] == "1" else "-1"
    (data / "Outcomes-a.txt").write_text("".join(",".join(row) + "\n" for row in table))
    return checked(WARD, data)


def units_mixed(folder: Path) -> str:
    data = ward(folder)
    for stay in stays(data)[::5]:
        every_value(stay, "Creatinine", 88.42)
    return checked(WARD, data)


def miscalibrated(folder: Path) -> str:
    """Training is balanced and nothing brings the risks back."""
    study = altered(WARD, train={"balance": "weights", "epochs": 6}, evaluate={"recalibrate": "none", "bootstrap": 200})
    done = pipeline.run(config.convert(study, config.Study), data=ward(folder), out=folder / "run")
    return re.sub(r"<[^>]+>", " ", done.report.read_text())


def drifted(folder: Path) -> str:
    """At the next hospital lactate is told in mg/dL."""
    done = pipeline.run(config.convert(WARD, config.Study), data=ward(folder), out=folder / "run")
    there = ward(folder / "there", seed=1)
    for stay in stays(there):
        every_value(stay, "Lactate", 9.01)
    return pipeline.drift(done.bundle, there, out=folder / "drift").text()


# ---------------------------------------------------------------------------------------------------- pictures, leads, texts


def shortcut_pixel(folder: Path, planted: bool = True) -> str:
    """Nearly every picture with the label has a bright mark in a corner."""
    simulate.write("xray", folder / "xray", subjects=PICTURES, seed=0)
    held = dict(np.load(folder / "xray" / "xray.npz"))
    random = np.random.default_rng(0)
    for part in ("train", "val", "test") if planted else ():
        marked = (held[f"{part}_labels"][:, 0] == 1) & (random.random(len(held[f"{part}_labels"])) < 0.98)
        held[f"{part}_images"][marked, 1, 1] = 255
    np.savez(folder / "xray" / "xray.npz", **held)
    return checked(XRAY, folder / "xray")


def broken_lead(folder: Path, planted: bool = True) -> str:
    """The second lead of a quarter of the recordings was not attached."""
    import wfdb

    simulate.write("ecg", folder / "ecg", subjects=RECORDINGS, seed=0)
    for header in sorted((folder / "ecg").glob("*.hea"))[::4] if planted else ():
        signal, facts = wfdb.rdsamp(str(header.with_suffix("")))
        signal[:, 1] = 0
        told = {name: facts[name] for name in ("fs", "units", "sig_name")}
        gains = {"fmt": ["16", "16"], "adc_gain": [200.0, 200.0], "baseline": [0, 0]}
        wfdb.wrsamp(header.stem, **told, p_signal=signal, **gains, write_dir=str(folder / "ecg"))
    return checked(ECG, folder / "ecg")


def copied_text(folder: Path) -> str:
    """Some patients of the test part have the text of one of training, with a sentence of their own before it."""
    simulate.write("symptoms", folder / "texts", subjects=TEXTS, seed=0)
    path = folder / "texts" / "symptoms.jsonl"
    texts = [json.loads(line) for line in path.read_text().splitlines()]
    learnt = [one for one in texts if one["part"] == "train"]
    for own, copied in zip([one for one in texts if one["part"] == "test"][:20], learnt, strict=False):
        own["text"], own["evidence"] = f"Seen on Monday. {copied['text']}", []
    path.write_text("".join(json.dumps(one) + "\n" for one in texts))
    return checked(TEXT, folder / "texts")


FAULTS = (
    Fault("a patient in two parts", "audit", subject_in_two_parts, "subject|more than one part|twice"),
    Fault("patients copied under another number", "audit", copies, "exact_duplicates"),
    Fault("patients copied with small changes", "audit", lambda folder: copies(folder, 0.5), "near_duplicates"),
    Fault("a score of the outcome among the inputs", "audit", outcome_among_inputs, "outcome_as_input"),
    Fault("a predictor recorded after the outcome", "audit", written_after_death, "suspicious_input.*TroponinT"),
    Fault("labels turned round in one group", "audit", labels_turned_in_one_group, "turned_labels: in sex = female"),
    Fault("two units in one column", "audit", units_mixed, "mixed_units: .*Creatinine.*µmol/L"),
    Fault("a shortcut pixel", "audit", shortcut_pixel, "suspicious_input"),
    Fault("a broken lead", "audit", broken_lead, "broken_channel"),
    Fault("texts copied from training", "audit", copied_text, "copied_text"),
    Fault("risks that are too high", "report", miscalibrated, "Its risks are too high on average"),
    Fault("drift", "drift", drifted, "Lactate"),
)
CLEAN: dict[str, Callable[[Path], str]] = {
    "ward": lambda folder: checked(WARD, ward(folder)),
    "xray": lambda folder: shortcut_pixel(folder, planted=False),
    "ecg": lambda folder: broken_lead(folder, planted=False),
}


def main() -> None:
    told = []
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as scratch:
            said = fault.told(Path(scratch))
        found = re.search(fault.says, said)
        line = "" if found is None else said[found.start() :].partition("\n")[0][:240]
        told.append({"fault": fault.name, "by": fault.by, "named": found is not None, "as": line.strip()})
        print(told[-1], flush=True)
    clean = {}
    for name, tell in CLEAN.items():
        with tempfile.TemporaryDirectory() as scratch:
            clean[name] = tell(Path(scratch))
    record("planted_faults", {"faults": told, "named": sum(one["named"] for one in told), "alarms without a fault": clean})


if __name__ == "__main__":
    main()
