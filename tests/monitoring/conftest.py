"""A small recording and predictors with drawn weights: what a monitor says is held against what a bundle says of the whole."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sequela import config, simulate
from sequela import model as models
from sequela.bundle.bundle import Bundle, history
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.pipeline import import_data
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut

SPAN = 'before = "200ms", after = "300ms", context = "1s"'
WAVES = f'modality = {{ name = "waveform", rate_hz = 125, {SPAN}, channels = ["MLII", "V1"] }}'
SECONDS = 'length = "2s", stride = "1s", rate_hz = 50, context = "1s", scale = "local"'
BEATS = f"""
name = "beats"
question = "Which class is this beat?"
[data]
reader = "wfdb"
source = "ecg"
[cohort]
index = "EACH//BEAT"
predict_at = "2s"
history = "9s"
[outcome]
column = "beat"
classes = ["N", "S", "V"]
[inputs.ecg]
{WAVES}
encoder = {{ name = "resnet1d", width = 4 }}
[task]
name = "multiclass"
"""
FIXED = """
name = "fixed"
question = "Which class are these seconds?"
[data]
reader = "wfdb"
source = "ecg"
[cohort]
index = "RECORD//START"
predict_at = "3s"
every = "2s"
during = "record"
HISTORY
[cohort.windows.record]
[outcome]
column = "rhythm"
classes = ["A", "B"]
[inputs.ecg]
modality = { name = "waveform", window = "fixed", SECONDS, channels = ["MLII", "V1"] }
encoder = ENCODER
[task]
name = "multiclass"
"""
TAGS = f"""
name = "tags"
question = "Which class is each beat?"
[data]
reader = "wfdb"
source = "ecg"
[cohort]
index = "RECORD//START"
predict_at = "10s"
every = "10s"
at_end = true
during = "record"
history = "15s"
[cohort.windows.record]
[outcome]
column = "beat"
delay = "2s"
classes = ["N", "S", "V"]
[inputs.ecg]
{WAVES[:-2]}, beats = "all" }}
encoder = {{ name = "cnn_rnn", step = {{ name = "resnet1d", width = 4 }}, width = 6, bidirectional = true }}
[task]
name = "tagging"
"""


def fixed(encoder: str, history: str = "") -> str:
    """The study of fixed windows with an encoder, as TOML."""
    return (
        FIXED.replace("ENCODER", encoder)
        .replace("SECONDS", SECONDS)
        .replace("HISTORY", f'history = "{history}"' if history else "")
    )


@dataclass(frozen=True)
class Made:
    """Makes bundles that were never trained: their weights are drawn, and a scale is fitted on the store."""

    store: Store

    def __call__(self, toml: str) -> Bundle:
        study = config.convert(tomllib.loads(toml), Study)
        rows, _ = cohorts.eligible(self.store, study)
        known = cut.known(self.store, rows, history(study))
        fitted = models.fit_inputs(study, known)
        names = tuple(study.outcome.classes)
        model, task = models.build(study, {name: one.spec for name, one in fitted.items()}, names)
        return Bundle(Path("drawn"), Predictor(study, fitted, task, [model.eval()]), {}, [])


@pytest.fixture(scope="session")
def ecg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated minutes of two leads, as WFDB records 100 and 101."""
    return simulate.write("ecg", tmp_path_factory.mktemp("ecg") / "raw", 2)


@pytest.fixture(scope="session")
def ecg_store(ecg: Path) -> Store:
    return import_data("wfdb", ecg, ecg.with_name("ecg.store"))


@pytest.fixture(scope="session")
def made(ecg_store: Store) -> Callable[[str], Bundle]:
    return Made(ecg_store)
