"""Training of nn.LSTM and nn.GRU through our encoders: CPU-milliseconds a step against one flushed thread, whatever came first.

    python bench/recurrent.py

Each case runs in a fresh interpreter without OpenMP variables: nothing before it, torch used on all threads, or boosting trained
and torch used. The reference is the bare torch layer with denormals flushed, one thread and the variables set before the start;
"as it comes" is the bare layer after torch was used, with nothing set. The loss is on the last step: its gradient vanishes over
time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

ROWS, STEPS, FEATURES, WIDTH = 64, 256, 37, 128
ROUNDS, REPEATS, BLOCK = 2, 3, 8  # steps are measured by the block: the system counts CPU time in hundredths of a second
GOAL = {"1": 1.1, "2": 1.4}

USED = "torch used"
BOOSTED = "boosting, then torch used"


def precede(case: str) -> None:
    """What a user's process may have done before."""
    if case == BOOSTED:
        import numpy as np
        from sklearn.ensemble import HistGradientBoostingClassifier

        values = np.random.default_rng(0).random((2000, 8))
        HistGradientBoostingClassifier(max_iter=5).fit(values, values[:, 0] > 0.5)
    if case in (USED, BOOSTED):
        import torch

        assert torch.isfinite(torch.rand(500, 500) @ torch.rand(500, 500)).all()
        assert torch.rand(10**6).mul(2).mean() > 0


def ours(name: str, threads: int) -> Any:
    """An encoder of the same size, on threads that are prepared."""
    import torch

    from sequela import registry
    from sequela import threads as threads_
    from sequela.types import Seq, Spec

    threads_.prepare(threads)
    module = registry.module("encoders", name)
    encoder = module.build(Spec("waveform", (1, FEATURES), "index"), module.Config(width=WIDTH))
    seq = Seq(
        torch.randn(ROWS, STEPS, 1, FEATURES),
        torch.ones(ROWS, STEPS, dtype=torch.bool),
        torch.zeros(ROWS, STEPS, dtype=torch.float64),
    )
    return encoder, lambda: encoder(seq).pooled


def bare(name: str, flush: bool) -> Any:
    """The torch layer alone."""
    import torch

    if flush:
        torch.set_flush_denormal(True)
        torch.set_num_threads(1)
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[name](FEATURES, WIDTH, batch_first=True)
    values = torch.randn(ROWS, STEPS, FEATURES)
    return layer, lambda: layer(values)[0][:, -1]


def cost(name: str, case: str, threads: int) -> dict[str, float]:
    """CPU- and wall-milliseconds a step, forward and backward, of the cheapest of some blocks."""
    from harness import measure

    precede(case)
    import torch

    torch.manual_seed(0)
    net, last = ours(name, threads) if threads else bare(name, flush=case == "reference")

    def step() -> None:
        net.zero_grad(set_to_none=True)
        last().square().sum().backward()

    step()
    found = []
    for _ in range(1 if case == USED and not threads else REPEATS):
        with measure() as measured:
            for _ in range(BLOCK):
                step()
        found.append(measured)
    return {
        "cpu_ms": round(min(m.cpu_seconds for m in found) * 1e3 / BLOCK, 1),
        "wall_ms": round(min(m.wall_seconds for m in found) * 1e3 / BLOCK, 1),
    }


def fresh(name: str, case: str, threads: int) -> dict[str, float]:
    """The cost in a new interpreter."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "MKL_"))}
    if case == "reference":
        kept |= {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, name, case, str(threads)]
    done = subprocess.run(command, env=kept, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(name: str) -> dict[str, Any]:
    """All cases of one net, the reference among them, in rounds; the cheapest round counts, as others use the machine."""
    cases = [("reference", 0)] + [(case, threads) for case in ("nothing", USED, BOOSTED) for threads in (1, 2)]
    rounds = [[fresh(name, case, threads) for case, threads in cases] for _ in range(ROUNDS)]
    reference, *found = (min(costs, key=lambda cost: cost["cpu_ms"]) for costs in zip(*rounds, strict=True))
    names = [f"{case}, {threads} thread{'s' * (threads > 1)}" for case, threads in cases[1:]]
    rows = {
        key: {**row, "times_reference": round(row["cpu_ms"] / reference["cpu_ms"], 2)}
        for key, row in zip(names, found, strict=True)
    }
    return {"reference": reference, "as it comes": fresh(name, USED, 0), "ours": rows}


def main() -> None:
    from harness import record

    nets = {name: compare(name) for name in ("lstm", "gru")}
    record("recurrent", {"shape": {"rows": ROWS, "steps": STEPS, "features": FEATURES, "width": WIDTH}, "goal": GOAL, **nets})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(cost(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
