"""Graph convolution over things that are joined to one another (Kipf 2017), and a memory of them that attention reads.

Letters: K nodes, D width, B batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def normalised(graph: Tensor) -> Tensor:
    """The graph "K K" (symmetric, no negative weight) with a loop at each node, scaled by both ends' degrees (Kipf, eq. 2)."""
    looped = graph + torch.eye(len(graph), dtype=graph.dtype, device=graph.device)
    scale = looped.sum(1).rsqrt()
    return scale[:, None] * looped * scale


class Convolution(nn.Module):
    """Vectors "K D" of the nodes of a graph: A tanh(A E) W, where E has a vector for each node and A is `normalised`."""

    def __init__(self, nodes: int, width: int, dropout: float) -> None:
        super().__init__()
        self.nodes = nn.Parameter(torch.empty(nodes, width))
        nn.init.normal_(self.nodes, 0, width**-0.5)
        self.out = nn.Linear(width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, graph: Tensor) -> Tensor:
        return graph @ self.out(self.dropout((graph @ self.nodes).tanh()))  # type: ignore[no-any-return]


class GraphMemory(nn.Module):
    """What a query "B D" finds in a memory "K D" of nodes: their mean, weighed by likeness to the query (GAMENet, Shang 2019).

    The memory is that of one graph, less a learnt share of that of another: of drugs that are given together, and of drugs that
    should not be. Both graphs are buffers: they are saved with the weights.
    """

    together: Tensor
    apart: Tensor

    def __init__(self, width_in: int, nodes: int, width: int, dropout: float) -> None:
        super().__init__()
        self.query = nn.Linear(width_in, width)
        self.of_together, self.of_apart = (Convolution(nodes, width, dropout) for _ in range(2))
        self.share = nn.Parameter(torch.tensor(0.5))
        self.register_buffer("together", torch.eye(nodes))
        self.register_buffer("apart", torch.eye(nodes))
        self.width = width

    @torch.no_grad()
    def begin_with(self, together: Tensor, apart: Tensor) -> None:
        """Takes the two graphs "K K", as yet without loops."""
        self.together.copy_(normalised(together))
        self.apart.copy_(normalised(apart))

    def forward(self, pooled: Tensor) -> Tensor:
        memory = self.of_together(self.together) - self.share * self.of_apart(self.apart)
        weights = (self.query(pooled).tanh() @ memory.T).softmax(1)
        return weights @ memory  # type: ignore[no-any-return]
