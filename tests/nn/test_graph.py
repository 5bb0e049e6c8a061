"""Graph convolution: the scaling of a graph by hand, and a memory that does not depend on how its nodes are numbered."""

from __future__ import annotations

import torch

from sequela.nn.graph import Convolution, GraphMemory, normalised


def test_a_graph_is_scaled_by_the_degrees_of_both_ends_with_their_loops() -> None:
    path = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=torch.float64)
    half, sixth = 1 / 2, 6**-0.5
    expected = torch.tensor([[half, sixth, 0], [sixth, 1 / 3, sixth], [0, sixth, half]], dtype=torch.float64)
    torch.testing.assert_close(normalised(path), expected)
    torch.testing.assert_close(normalised(torch.zeros(3, 3)), torch.eye(3))


def test_nodes_that_are_joined_alike_and_begin_alike_end_alike() -> None:
    torch.manual_seed(0)
    net = Convolution(3, 4, 0.0).double().eval()
    with torch.no_grad():
        net.nodes[2] = net.nodes[0]
    star = normalised(torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=torch.float64))
    out = net(star)
    torch.testing.assert_close(out[0], out[2])
    assert not torch.allclose(out[0], out[1])


def test_what_is_found_does_not_depend_on_the_order_of_the_nodes() -> None:
    torch.manual_seed(0)
    first, second = GraphMemory(5, 4, 3, 0.0).eval(), GraphMemory(5, 4, 3, 0.0).eval()
    order = torch.tensor([2, 0, 3, 1])
    half = torch.rand(4, 4).triu(1)
    together, apart = half + half.T, (half + half.T > 0.6).float()
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        for one in (second.of_together, second.of_apart):
            one.nodes.copy_(one.nodes[order].clone())
    first.begin_with(together, apart)
    second.begin_with(together[order][:, order], apart[order][:, order])
    query = torch.randn(6, 5)
    torch.testing.assert_close(first(query), second(query))


def test_both_graphs_are_saved_with_the_weights_and_change_what_is_found() -> None:
    torch.manual_seed(0)
    memory = GraphMemory(5, 4, 3, 0.0).eval()
    query = torch.randn(2, 5)
    before = memory(query)
    memory.begin_with(torch.ones(4, 4) - torch.eye(4), torch.zeros(4, 4))
    after = memory(query)
    assert not torch.allclose(before, after)
    again = GraphMemory(5, 4, 3, 0.0).eval()
    again.load_state_dict(memory.state_dict())
    torch.testing.assert_close(again(query), after)
