"""The table of methods: what each is called, what it takes to suit, and those that are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

from sequela.encoders.retain import RETAIN
from sequela.errors import UsageError
from sequela.explain.attribution import leaving_out, looked, paths, shapley, tables
from sequela.explain.attribution.compared import Compared
from sequela.explain.attribution.found import Found
from sequela.explain.attribution.options import Options
from sequela.explain.attribution.smoothing import has_neighbours
from sequela.explain.grad_cam import CONVOLUTIONS
from sequela.explain.question import EXPLAINED
from sequela.model import Model
from sequela.nn.head import Head
from sequela.registry import nearest
from sequela.types import Spec

Specs: TypeAlias = Mapping[str, Spec]
LINEAR = ("binary", "multilabel")  # kinds whose log-odds are what a head gives


def _any(_: Specs) -> bool:
    return True


def _with_neighbours(specs: Specs) -> bool:
    return any(map(has_neighbours, specs.values()))


def _tables(specs: Specs) -> bool:
    return all(spec.single and len(spec.shape) == 1 and not spec.vocabulary for spec in specs.values())


def _pictures(specs: Specs) -> bool:
    return any(len(spec.shape) > 2 for spec in specs.values())


def _attends(member: Model) -> bool:
    return any(map(looked.attentions, member.encoders.values()))


def _convolves(member: Model) -> bool:
    return any(isinstance(module, CONVOLUTIONS) for module in member.encoders.modules())


def _is_sum(member: Model) -> bool:
    encoders = list(member.encoders.values())
    return (
        len(encoders) == 1
        and isinstance(encoders[0], RETAIN)
        and isinstance(member.head, Head)
        and isinstance(member.head.hidden, nn.Identity)
    )


@dataclass(frozen=True, slots=True)
class Method:
    """A way to attribute an answer to cells."""

    find: Callable[[Compared, Options], Found]
    complete: bool = False  # whether the parts of a row should sum to told - rest
    suits: Callable[[Specs], bool] = _any
    needs: Callable[[Model], bool] | None = None  # of each network; None: any will do
    kinds: Sequence[str] = EXPLAINED  # of tasks


METHODS: Mapping[str, Method] = {  # the first that suits is taken where none is asked for
    "smoothed_gradient_shap": Method(paths.smoothed_gradient_shap, complete=True, suits=_with_neighbours),
    "gradient_shap": Method(paths.gradient_shap, complete=True),
    "integrated_gradients": Method(paths.integrated_gradients, complete=True),
    "ablation": Method(leaving_out.ablation),
    "occlusion": Method(leaving_out.occlusion),
    "kernel_shap": Method(shapley.kernel_shap, complete=True),
    "gradient_explainer": Method(shapley.gradient_explainer, complete=True),
    "lime": Method(tables.lime, suits=_tables),
    "attention": Method(looked.attention, needs=_attends),
    "retain": Method(looked.retain, complete=True, needs=_is_sum, kinds=LINEAR),
    "grad_cam": Method(looked.grad_cam, suits=_pictures, needs=_convolves),
}
REFUSED: Mapping[str, str] = {
    "deep_lift": "DeepLift has no rule for the gates of recurrent networks: Captum's is off by half on them without a word",
    "deep_explainer": "shap's DeepExplainer has no rule for recurrent networks: what it gives sums to a small part of the answer",
}


def suited(specs: Specs, task_kind: str, members: Sequence[Model] = ()) -> tuple[str, ...]:
    """The names of the methods that suit, the default first; none where such an answer is not explained.

    Those that need a certain network are among them only where the networks are given, and all are of that kind.
    """
    return tuple(
        name
        for name, method in METHODS.items()
        if task_kind in method.kinds
        and method.suits(specs)
        and (method.needs is None or (bool(members) and all(map(method.needs, members))))
    )


def default(specs: Specs, task_kind: str) -> str:
    """The name of the method that is taken where none is asked for. Raises UsageError where such an answer is not explained."""
    if task_kind not in EXPLAINED:
        raise UsageError(f"an answer of {task_kind} is not explained cell by cell", hint=f"explain one of {', '.join(EXPLAINED)}")
    return suited(specs, task_kind)[0]


def chosen(name: str, specs: Specs, task_kind: str, members: Sequence[Model]) -> Method:
    """The method. Raises UsageError where there is none of that name, it is refused, or does not suit."""
    usual = default(specs, task_kind)
    if name in REFUSED:
        raise UsageError(REFUSED[name], hint=f"take {usual}, which follows gradients and sums to the answer")
    if name not in METHODS:
        raise UsageError(f"there is no method {name!r}", hint=nearest(name, tuple(METHODS)))
    there = suited(specs, task_kind, members)
    if name not in there:
        raise UsageError(f"the method {name!r} does not suit these inputs and networks", hint=f"take one of {', '.join(there)}")
    return METHODS[name]
