"""The optimizer of a study, without weight decay on biases and norms, and the clipping of gradients."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, RMSprop

from sequela.config import Optimizer, Train
from sequela.train.rates import Rate


def build(model: nn.Module, settings: Optimizer) -> torch.optim.Optimizer:
    """The optimizer over the parameters that can learn: matrices and kernels decay, vectors (biases, norms) do not."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    match settings.name:
        case "adam":
            return Adam(groups, lr=settings.lr, betas=settings.betas, fused=True)
        case "adamw":
            return AdamW(groups, lr=settings.lr, betas=settings.betas, fused=True)
        case "rmsprop":
            return RMSprop(groups, lr=settings.lr, momentum=settings.momentum)
        case "sgd":
            return SGD(groups, lr=settings.lr, momentum=settings.momentum, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, settings: Optimizer, rate: Rate) -> None:
    """Sets the learning rate that the next step will use, and the momentum where the schedule moves it."""
    for group in optimizer.param_groups:
        group["lr"] = settings.lr * rate.factor
        if rate.momentum is not None and "betas" in group:
            group["betas"] = (rate.momentum, settings.betas[1])
        elif rate.momentum is not None:
            group["momentum"] = rate.momentum


def clip(model: nn.Module, settings: Train) -> float:
    """The norm of the gradient before it was clipped, 0 where no norm is asked for. Entries are clipped first, then the norm."""
    if settings.clip_value is not None:
        nn.utils.clip_grad_value_(model.parameters(), settings.clip_value)
    return 0.0 if settings.clip is None else nn.utils.clip_grad_norm_(model.parameters(), settings.clip).item()
