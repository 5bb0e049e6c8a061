"""Threads are tried in fresh interpreters: what was imported and used first is the point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sequela import threads
from sequela.errors import UsageError

USED = "import torch; torch.rand(300, 300) @ torch.rand(300, 300); torch.rand(10**6).mul(2); "
BOOSTED = "import numpy, sklearn.ensemble as e; e.HistGradientBoostingClassifier(max_iter=2).fit(numpy.eye(40), [0, 1] * 20); "
TELL = "import json, dataclasses; print(json.dumps(dataclasses.asdict(report) | {'sound': report.sound}))"


def fresh(code: str, **variables: str) -> str:
    """What a new interpreter prints, with these and no other OpenMP variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_"))}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | variables, capture_output=True, text=True, check=True, timeout=120
    ).stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another OpenMP runtime")
@pytest.mark.parametrize("first", ["", USED, BOOSTED + USED], ids=["nothing", "torch used", "boosting, then torch used"])
def test_every_worker_flushes_and_sleeps_whatever_came_first(first: str) -> None:
    report = json.loads(fresh(first + "from sequela import threads; report = threads.prepare(2); " + TELL))
    assert report["threads"] == 2
    assert report["flushes"] == [True, True]
    assert report["sleeps"]
    assert report["sound"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another OpenMP runtime")
def test_the_probe_sees_a_worker_that_does_not_flush() -> None:
    trap = "torch.set_num_threads(2); torch.rand(10**6).mul(2); torch.set_flush_denormal(True); "
    report = json.loads(fresh("import torch; " + trap + "from sequela import threads; report = threads.probe(); " + TELL))
    assert report["flushes"] == [True, False]
    assert not report["sleeps"]
    assert not report["sound"]


def test_importing_it_imports_no_torch() -> None:
    assert fresh("import sys; from sequela import threads; print('torch' in sys.modules)").strip() == "False"


@pytest.mark.slow
def test_an_interpreter_with_torch_loaded_starts_anew_once_with_the_variables(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, torch\nfrom sequela import threads\nprint('started', flush=True)\nthreads.reexecute_if_needed()\n"
        "print(sys.argv[1], os.environ['OMP_WAIT_POLICY'], os.environ['OMP_NUM_THREADS'])\n"
    )
    code = f"import os, sys; os.execv(sys.executable, [sys.executable, {str(script)!r}, 'argument'])"
    assert fresh(code).split("\n")[:3] == ["started", "started", "argument PASSIVE 1"]


def test_without_torch_the_variables_are_set_in_place_and_kept_where_given() -> None:
    tell = "import os; print(os.environ['OMP_WAIT_POLICY'], os.environ['OMP_NUM_THREADS'])"
    assert (
        fresh("from sequela import threads; threads.reexecute_if_needed([]); " + tell, OMP_NUM_THREADS="3").strip() == "PASSIVE 3"
    )


def test_no_thread_is_refused() -> None:
    with pytest.raises(UsageError, match="0 threads"):
        threads.prepare(0)


def test_one_thread_is_sound_in_this_process() -> None:
    report = threads.prepare(1)
    assert report.sound
    assert report.flushes == (True,)
