"""Some never have the event: a mixture of the cured, whom it never comes to, and of the others (Berkson and Gage 1952)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def log_survival(others: Tensor, cured: Tensor) -> Tensor:
    """The log of the chance of nothing yet, of that among the others "B …" and the log-odds of being cured "B …"."""
    return (functional.logsigmoid(-cured) + others).logaddexp(functional.logsigmoid(cured))


def log_event(others: Tensor, cured: Tensor) -> Tensor:
    """The log of the chance (or density) of the event, of that among the others and the log-odds of being cured."""
    return functional.logsigmoid(-cured) + others
