"""CPU threads that cost what they should: denormals are flushed in every worker, and idle workers sleep.

Two traps make a recurrent network on a CPU up to ten times as dear. Gradients that vanish over time become denormal numbers,
which the processor handles in microcode; the flag that flushes them to zero lives in each thread, and workers that OpenMP started
before it was set never get it. And idle OpenMP workers spin, burning a core each, unless OMP_WAIT_POLICY was PASSIVE when torch
was loaded.

    environment()             what to set before torch is imported: the best way
    reexecute_if_needed()     for a command line: starts the interpreter anew with it where torch is loaded already
    prepare(threads)          in the thread that computes, before it does: right whatever was imported or used first
    probe()                   what is so now; shown by `sequela doctor`

Importing this imports no torch. One thread is the default: two were never seen to cost less CPU than one.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sequela.errors import UsageError

CHUNK = 65_536  # numbers for each worker in the probe: torch shares out no less than 32,768
_Region = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class ThreadReport:
    """What the computing threads of this process are like."""

    torch: str  # version
    threads: int
    wait_policy: str  # OMP_WAIT_POLICY, "" where it is not set
    sleeps: bool  # idle workers sleep rather than spin; True with one thread, which has none
    flushes: tuple[bool, ...]  # whether denormals become zero, in each worker
    blas: str
    instructions: str  # of the processor, as torch uses them: DEFAULT, AVX2, AVX512, ...
    gpu: str  # name of the first, "" where there is none

    @property
    def sound(self) -> bool:
        """No trap is open: every worker flushes denormals and sleeps when idle."""
        return self.sleeps and all(self.flushes)


def environment(threads: int = 1) -> dict[str, str]:
    """The variables that must be in the environment before torch is imported."""
    return {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads)}


def reexecute_if_needed(argv: Sequence[str] | None = None, threads: int = 1) -> None:
    """Puts the missing variables of `environment` in place; where torch is loaded already, the interpreter starts anew with them.

    `argv` are the interpreter's arguments, by default those it was started with. Variables that are set are left as they are.
    Returns where nothing has to start anew; it never starts anew twice.
    """
    missing = {name: value for name, value in environment(threads).items() if name not in os.environ}
    os.environ.update(missing)
    if missing and "torch" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *(sys.orig_argv[1:] if argv is None else argv)], dict(os.environ))


def prepare(threads: int = 1) -> ThreadReport:
    """Sets the threads of torch and closes both traps, in the thread that calls: what `probe` then sees.

    The flag belongs to a thread: call this in the one that computes, and again in every process it starts. Where a worker cannot
    be made to flush denormals, one thread is used.
    """
    if threads < 1:
        raise UsageError(f"{threads} threads were asked for; expected 1 or more")
    import torch

    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    if threads > 1:
        _settle(threads)
        if not all(_flushes(threads)):
            torch.set_num_threads(1)
    return probe()


def probe() -> ThreadReport:
    """What is so now, with a parallel product of 1e-30 and 1e-10 to see whether each worker flushes. Changes nothing."""
    import torch

    threads = torch.get_num_threads()
    blas = re.search(r"BLAS_INFO=(\w+)", torch.__config__.show())
    return ThreadReport(
        torch=str(torch.__version__),  # a str of its own kind, which JSON does not know
        threads=threads,
        wait_policy=os.environ.get("OMP_WAIT_POLICY", ""),
        sleeps=threads == 1 or _asked_in_time() or _PARKED.is_set(),
        flushes=_flushes(threads),
        blas=blas[1] if blas else "",
        instructions=torch.backends.cpu.get_cpu_capability(),
        gpu=torch.cuda.get_device_name(0) if torch.cuda.is_available() else "",
    )


def _flushes(threads: int) -> tuple[bool, ...]:
    """Whether each worker gives zero for a denormal product; torch hands the first share to the first worker, and so on."""
    import torch

    tiny = torch.full((threads, CHUNK), 1e-30) * 1e-10
    return tuple((tiny == 0).all(1).tolist())


# ------------------------------------------------------------------------------------------- workers that are already running


def _settle(threads: int) -> None:
    """Sets the flag in every running worker, and lets idle ones sleep where the environment did not say so in time."""
    import torch

    region = _openmp()
    if region is None:
        return
    region(lambda: torch.set_flush_denormal(True), threads)
    if not _asked_in_time():
        _park()


def _asked_in_time() -> bool:
    """Whether this process was started with idle workers asleep; what was set since may have come later than torch."""
    try:
        return b"OMP_WAIT_POLICY=PASSIVE" in Path("/proc/self/environ").read_bytes().upper().split(b"\0")
    except OSError:  # no Linux: what the environment says now is all there is
        return os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"


@cache
def _openmp() -> Callable[[Callable[[], object], int], None] | None:
    """Runs a function once in each of so many OpenMP threads of torch's own runtime; None where that is not GNU's."""
    import torch

    path = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if not path.exists():
        return None
    library = ctypes.CDLL(str(path))  # loaded already; symbols are looked up in what it links, so in its own libgomp
    if not hasattr(library, "GOMP_parallel"):
        return None

    def region(function: Callable[[], object], threads: int) -> None:
        def body(_: int | None) -> None:
            function()

        library.GOMP_parallel(_Region(body), None, ctypes.c_uint(threads), ctypes.c_uint(0))

    return region


_PARKED = threading.Event()


def _park() -> None:
    """Makes idle workers sleep at once, in a process that did not ask for it in time.

    GNU's runtime spins for milliseconds only while it has no more threads than processors (gomp_throttled_spin_count_var, libgomp
    config/linux/wait.h). So one more team than there are processors is opened once in a thread that then waits for ever: it costs
    no CPU, and all other workers of the process sleep when idle.
    """
    region = _openmp()
    if region is None or _PARKED.is_set():
        return
    opened = threading.Event()

    def hold() -> None:
        region(lambda: None, len(os.sched_getaffinity(0)) + 1)
        opened.set()
        threading.Event().wait()

    threading.Thread(target=hold, name="sequela-openmp-park", daemon=True).start()
    opened.wait()
    _PARKED.set()
