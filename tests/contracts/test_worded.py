"""A rule for every encoder that reads words: what it can begin at, and what follows from it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sequela import registry
from sequela.config import convert
from sequela.contracts import Worded
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

WORDS, SENTENCES = Spec("text", (), "index", vocabulary=11), Spec("text", (4,), "index", vocabulary=11)
WITHOUT = ("deepr",)  # its table holds words for gaps of time as well


def made(name: str, spec: Spec) -> nn.Module | None:
    """The encoder as it is by default; None where it refuses such steps."""
    module = registry.module("encoders", name)
    torch.manual_seed(0)
    try:
        return module.build(spec, convert({}, module.Config)).eval()
    except ConfigError:
        return None


CASES = [
    pytest.param(name, spec, id=f"{name}-{'words' if spec is WORDS else 'sentences'}")
    for name in registry.names("encoders")
    for spec in (WORDS, SENTENCES)
    if name not in WITHOUT and made(name, spec) is not None
]


def read(spec: Spec, word: int) -> Seq:
    """Two rows of two steps of the same word."""
    values = torch.full((2, 2, *spec.shape), word)
    return Seq(values, torch.ones(2, 2, dtype=torch.bool), torch.zeros(2, 2, dtype=torch.float64))


def begun(net: nn.Module) -> None:
    """Words 1 and 2 begin at one vector."""
    (part,) = [part for part in net.modules() if isinstance(part, Worded)]
    width = next(table.shape[1] for table in part.parameters() if table.shape[:1] == (11,))
    known = torch.isin(torch.arange(11), torch.tensor([1, 2]))
    part.begin(torch.linspace(-1, 1, width).expand(11, width), known)


@pytest.mark.parametrize(("name", "spec"), CASES)
@torch.no_grad()
def test_words_that_begin_at_one_vector_are_read_alike_and_others_are_not(name: str, spec: Spec) -> None:
    drawn, net = made(name, spec), made(name, spec)
    assert drawn is not None
    assert net is not None
    begun(net)
    one, two, other = (net(read(spec, word)).pooled for word in (1, 2, 3))
    torch.testing.assert_close(one, two)
    assert not torch.allclose(one, other, atol=1e-6)
    assert not torch.allclose(drawn(read(spec, 1)).pooled, one, atol=1e-6)


@pytest.mark.parametrize(("name", "spec"), CASES)
def test_vectors_of_another_width_or_number_are_refused(name: str, spec: Spec) -> None:
    net = made(name, spec)
    assert net is not None
    (part,) = [part for part in net.modules() if isinstance(part, Worded)]
    with pytest.raises(ConfigError, match="given to a vocabulary of the shape"):
        part.begin(torch.zeros(11, 3), torch.ones(11, dtype=torch.bool))
    with pytest.raises(ConfigError, match="given to a vocabulary of the shape"):
        part.begin(torch.zeros(7, 64), torch.ones(7, dtype=torch.bool))
