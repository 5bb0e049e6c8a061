"""The exact terms of label attention: the logit of a label is a sum over the steps and a bias (nn/label_attention.py).

Where one of several classes is true, the log-odds of one are its logit z less the others' together. With w the others' chances
among themselves,

    log sum_j exp z_j = sum_j w_j z_j - sum_j w_j log w_j

so the log-odds are a sum over the steps as well: of each step what it adds to the class less what it adds, weighed by w, to the
others; their biases and the last sum are the rest. That is an identity of this document's answer, nothing is left out and asked
again. A step of an encoder may have seen its neighbours: a term is of what it knows, wherever that stood.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sequela.explain.question import log_odds
from sequela.explain.tokens.attributed import Attributed
from sequela.nn.label_attention import LabelAttention
from sequela.types import Encoded


@torch.no_grad()
def exact(head: LabelAttention, encoded: Encoded, column: Tensor, *, exclusive: bool) -> Attributed:
    """What each step adds to the log-odds of these columns, int64 "B Q", of each row. The head is in evaluation mode."""
    assert encoded.steps is not None
    terms = head.terms(encoded.steps, encoded.mask).double()  # B K T
    bias = head.bias.double()
    told = log_odds(terms.sum(2) + bias, column, exclusive=exclusive)
    share = _share(terms.sum(2) + bias, column) if exclusive else None
    own = terms.gather(1, column.unsqueeze(2).expand(-1, -1, terms.shape[2]))
    change = own if share is None else own - share @ terms
    rest = told - change.sum(2)
    return Attributed(change.cpu().numpy(), told.cpu().numpy(), rest.cpu().numpy())


def _share(logits: Tensor, column: Tensor) -> Tensor:
    """The chances of the others among themselves, "B Q K": 0 of the class itself."""
    mine = torch.nn.functional.one_hot(column, logits.shape[1]).bool()
    return logits.unsqueeze(1).expand(mine.shape).masked_fill(mine, -torch.inf).softmax(2)
