"""What a teacher's network is before any training, and how it compares."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..models.backbone_exceptions import freeze
from ..models.nested_backbone import build

TWINS = 2
STILL = 1e-6  # less than one step of Adam at a learning rate of 0.000001 moves anything
CLEAR = 3.0  # standard errors


def twins(net: nn.Module, cfgs: dict) -> list[nn.Module]:
    """`TWINS` networks of the same class and configuration with weights of their own beginning, frozen, where ``net`` is.

    The random generators of torch are afterwards as before; every process begins alike.

    Args:
        net: a built host model.
        cfgs: the complete configuration that trains it.
    """
    device, made = next(net.parameters()).device, []
    for number in range(TWINS):
        with torch.random.fork_rng():
            torch.manual_seed(number)
            made.append(freeze(build(cfgs["model_cfg"], cfgs, "model_cfg.teacher").to(device)))
    return made


def unmoved(net: nn.Module, fresh: list[nn.Module], without: frozenset[str] = frozenset()) -> int:
    """How many tensors show that nobody trained a network: those that every training begins alike (in all of ``fresh``: BatchNorm's
    scales, biases), if in ``net`` they all still are so; 0 where one has moved by `STILL`, or where there is none.

    Args:
        net: the network.
        fresh: see `twins`.
        without: names of parameters that training does not reach.
    """
    first, *others = (dict(each.named_parameters()) for each in fresh)
    alike = {name: p for name, p in first.items() if name not in without and all(torch.equal(p, other[name]) for other in others)}
    own = dict(net.named_parameters())
    still = all(float((own[name] - p).detach().abs().max()) < STILL for name, p in alike.items())
    return len(alike) if still else 0


def margins(distances: Tensor) -> Tensor:
    """How far each probe's own gallery entry is nearer than the others': ``(mean - own) / std`` over the others' distances.

    Unlike Rank-1 it tells two networks apart that both rank all right, or hardly any.

    Shape:
        distances [S, S], the same subject on the diagonal, S >= 3 -> [S]
    """
    count = len(distances)
    same = torch.eye(count, dtype=torch.bool)
    others = distances[~same].reshape(count, count - 1)
    return (others.mean(1) - distances[same]) / others.std(1).clamp_min(1e-12)


def clearly_above(own: Tensor, others: Tensor) -> bool:
    """Whether the mean of the paired differences ``own - others`` ``[S]`` is above 0 by `CLEAR` standard errors."""
    gain = own - others
    return float(gain.mean()) > CLEAR * float(gain.std()) / len(gain) ** 0.5
