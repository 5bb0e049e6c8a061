"""Vanishing and exploding gradients, measured: the numbers and the figure of docs/gradients.md.

    python bench/gradients.py

How much of the gradient at the last step is left at a step so far before it, by cell; what clipping does to a gradient that
explodes; and which cell learns to recall the first of many steps. Float64, one thread, fixed seeds. Rewrites the marked block of
the page, and docs/figures/gradients.svg.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import torch
from harness import record
from torch import Tensor, nn

from sequela import threads

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- numbers: written by bench/gradients.py -->", "<!-- end of numbers -->"
WIDTH, FEATURES, STEPS, ROWS = 64, 8, 100, 32
DISTANCES = (1, 5, 10, 25, 50, 100)
COLOURS = ("#b3392f", "#d98032", "#8a8a2c", "#7a3f9d", "#2f6fb3", "#2c8a57", "#444444", "#17a2a2")


def plain(radius: float, nonlinearity: str = "tanh") -> nn.RNNCell:
    """An RNN whose recurrent matrix is `radius` times an orthogonal one, so that every singular value is `radius`."""
    cell = nn.RNNCell(FEATURES, WIDTH, nonlinearity=nonlinearity)
    nn.init.orthogonal_(cell.weight_hh, gain=radius)
    nn.init.zeros_(cell.bias_ih)
    nn.init.zeros_(cell.bias_hh)
    nn.init.normal_(cell.weight_ih, 0, 0.1)
    return cell


def remembering(bias: float) -> nn.LSTMCell:
    """An LSTM whose forget gate starts with this bias (its two biases together)."""
    cell = nn.LSTMCell(FEATURES, WIDTH)
    for part in (cell.bias_ih, cell.bias_hh):
        part.data[WIDTH : 2 * WIDTH] = bias / 2
    return cell


CELLS: dict[str, Callable[[], nn.Module]] = {
    "RNN, tanh, torch's start": lambda: nn.RNNCell(FEATURES, WIDTH),
    "RNN, tanh, radius 0.9": lambda: plain(0.9),
    "RNN, tanh, radius 1.0": lambda: plain(1.0),
    "RNN, relu, radius 1.5": lambda: plain(1.5, "relu"),
    "GRU": lambda: nn.GRUCell(FEATURES, WIDTH),
    "LSTM, torch's start": lambda: nn.LSTMCell(FEATURES, WIDTH),
    "LSTM, forget bias 1": lambda: remembering(1.0),
    "LSTM, forget bias 3": lambda: remembering(3.0),
}


def unrolled(cell: nn.Module, values: Tensor) -> list[tuple[Tensor, ...]]:
    """The state before the first step and after each: (h,) or, for an LSTM, (h, c)."""
    parts = 2 if isinstance(cell, nn.LSTMCell) else 1
    state = tuple(values.new_zeros(values.shape[0], WIDTH, requires_grad=True) for _ in range(parts))
    states = [state]
    for step in values.unbind(1):
        given = cell(step, state if parts == 2 else state[0])
        state = given if parts == 2 else (given,)
        states.append(state)
    return states


def reach(cell: nn.Module) -> list[float]:
    """The norm of the loss's derivative by the whole state, at each distance from the last step, as a share of that at 0."""
    values = torch.randn(ROWS, STEPS, FEATURES)
    states = unrolled(cell, values)
    loss = (states[-1][0] * torch.randn(WIDTH)).sum()
    flat = [part for state in states for part in state]
    found = torch.autograd.grad(loss, flat, allow_unused=True)
    parts = len(states[0])
    norms = [
        math.sqrt(sum(float(g.square().sum()) for g in found[i : i + parts] if g is not None)) for i in range(0, len(flat), parts)
    ]
    return [norm / norms[-1] for norm in reversed(norms)]


def clipped(limit: float = 1.0) -> dict[str, float]:
    """The norm of the weights' gradient of an RNN that explodes, and the loss after one step of SGD, as it is and clipped."""
    found: dict[str, float] = {}
    for name in ("as it is", "clipped"):
        torch.manual_seed(0)
        cell, head = plain(1.5, "relu"), nn.Linear(WIDTH, 1)
        learnt = [*cell.parameters(), *head.parameters()]
        values, target = torch.randn(ROWS, 25, FEATURES), torch.randn(ROWS, 1)

        def loss(cell: nn.Module = cell, head: nn.Module = head, values: Tensor = values, target: Tensor = target) -> Tensor:
            return (head(unrolled(cell, values)[-1][0]) - target).square().mean()

        before = loss()
        before.backward()
        norm = float(nn.utils.clip_grad_norm_(learnt, math.inf if name == "as it is" else limit))
        torch.optim.SGD(learnt, lr=0.01).step()
        found |= {
            f"loss before, {name}": float(before.detach()),
            f"norm before, {name}": norm,
            f"loss after, {name}": float(loss().detach()),
        }
    return found


def recalled(make: Callable[[], nn.Module], steps: int, updates: int = 250) -> float:
    """Accuracy on new rows at saying the sign of the first step's first number at the last, after training with clipping."""
    torch.manual_seed(0)
    cell, head = make(), nn.Linear(WIDTH, 1)
    learnt = [*cell.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(learnt, lr=3e-3)

    def drawn() -> tuple[Tensor, Tensor]:
        values = 0.3 * torch.randn(64, steps, FEATURES)
        values[:, 0, 0] = torch.randint(0, 2, (64,)) * 2 - 1
        return values, (values[:, :1, 0] > 0).to(values.dtype)

    for _ in range(updates):
        values, label = drawn()
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(head(unrolled(cell, values)[-1][0]), label).backward()
        nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()
    with torch.no_grad():
        tests = [drawn() for _ in range(10)]
        right = [((head(unrolled(cell, values)[-1][0]) > 0) == (label > 0.5)).double().mean() for values, label in tests]
    return float(torch.stack(right).mean())


def tables(shares: dict[str, list[float]], clip: dict[str, float], memory: dict[str, dict[str, float]]) -> str:
    """The marked block of the page."""
    rows = [[name, *(f"{share[distance]:.1e}" for distance in DISTANCES)] for name, share in shares.items()]
    first = table(["cell", *(f"{distance} steps before" for distance in DISTANCES)], rows)
    second = table(
        ["", "norm of the gradient", "loss before", "loss after one step of SGD"],
        [
            [name, *(f"{clip[f'{what}, {name}']:.3g}" for what in ("norm before", "loss before", "loss after"))]
            for name in ("as it is", "clipped")
        ],
    )
    lengths = list(next(iter(memory.values())))
    third = table(
        ["cell", *(f"{length} steps" for length in lengths)],
        [[name, *(f"{value:.2f}" for value in found.values())] for name, found in memory.items()],
    )
    titles = (
        "**What is left of the gradient**, as a share of that at the last step:",
        "**An RNN that explodes** (relu, radius 1.5, 25 steps), with the gradient clipped to norm 1 and as it is:",
        "**Recalling the first step**: accuracy after 250 updates, 0.5 is a guess:",
    )
    return "\n\n".join(part for pair in zip(titles, (first, second, third), strict=True) for part in pair)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(shares: dict[str, list[float]]) -> str:
    """The shares over distance as an SVG, the share on a logarithmic axis from 1e-16 to 1e16."""
    left, top, width, height, low, high = 60, 20, 460, 300, -16, 16

    def x(distance: float) -> float:
        return left + width * distance / STEPS

    def y(power: float) -> float:
        return top + height * (high - min(max(power, low), high)) / (high - low)

    marks = []
    for power in range(low, high + 1, 4):
        marks.append(f'<line x1="{left}" x2="{left + width}" y1="{y(power):.1f}" y2="{y(power):.1f}" stroke="#ddd"/>')
        marks.append(f'<text x="{left - 8}" y="{y(power) + 4:.1f}" text-anchor="end">1e{power}</text>')
    marks += [f'<text x="{x(d):.1f}" y="{top + height + 18}" text-anchor="middle">{d}</text>' for d in range(0, STEPS + 1, 20)]
    for row, (colour, (name, share)) in enumerate(zip(COLOURS, shares.items(), strict=True)):
        points = " ".join(f"{x(d):.1f},{y(math.log10(max(s, 1e-300))):.1f}" for d, s in enumerate(share))
        marks.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        marks.append(f'<text x="{left + width + 12}" y="{top + 14 + 18 * row}" fill="{colour}">{name}</text>')
    marks.append(f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">steps before the last</text>')
    body = "\n".join(marks)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 370" font-family="sans-serif" font-size="12" role="img">\n'
        f"<title>The share of the gradient left, by steps before the last</title>\n{body}\n</svg>\n"
    )


def write(block: str, drawing: str) -> None:
    """Puts the block between its marks in the page, and the figure beside it."""
    page = DOCS / "gradients.md"
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n\n{block}\n\n{END}{after}", encoding="utf-8")
    (DOCS / "figures").mkdir(exist_ok=True)
    (DOCS / "figures" / "gradients.svg").write_text(drawing, encoding="utf-8")


def main() -> None:
    threads.prepare(1)
    torch.set_default_dtype(torch.float64)
    shares = {}
    for name, make in CELLS.items():
        torch.manual_seed(0)
        shares[name] = reach(make())
    clip = clipped()
    chosen = [name for name in CELLS if "relu" not in name]
    memory = {name: {str(steps): recalled(CELLS[name], steps) for steps in (5, 20, 60)} for name in chosen}
    write(tables(shares, clip, memory), figure(shares))
    kept = {name: {str(distance): share[distance] for distance in DISTANCES} for name, share in shares.items()}
    record("gradients", {"share_left": kept, "clipping": clip, "recall_accuracy": memory}, ("sequela", "numpy", "torch"))


if __name__ == "__main__":
    main()
