"""A host model as a part of ours: the weights it is loaded with, which model they are of, and their hash."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from ..base.checkpoint_file import hash_tensors, read_weights
from ..base.errors import CheckpointError, Misfit


def refuse_foreign(state: dict, role: str, instead: str = "") -> None:
    """Stop at a checkpoint that is none of ours, of which nothing, or nothing that fits, would be loaded.

    Args:
        state: its ``model`` entry.
        role: the model that it is to be loaded into.
        instead: what else may be done, for the message.

    Raises:
        Misfit: it does not say what it is, as ours do.
    """
    if "_extra_state" not in state:
        raise Misfit(
            f"no checkpoint of a {role} (one of OpenGait's own?), and its weights would not be loaded. Name a checkpoint that training a"
            f" {role} wrote{instead}"
        )


def role_of(state: dict) -> str | None:
    """Which of our models a ``model`` entry is of; None = a plain OpenGait model, as Baseline-2's is."""
    says = state.get("_extra_state")
    return says.get("role") if isinstance(says, dict) else None


def load(net: nn.Module, file: Path, key: str, unreached: frozenset[str] = frozenset()) -> str:
    """Load weights strictly; only heads that the embedding does not reach may be dropped.

    Args:
        net: the network.
        file: an OpenGait checkpoint.
        key: the YAML key, for messages.
        unreached: keys of ``net`` that are left as they are (see `trial.inspect`).

    Returns:
        One line for the log: how many tensors were loaded and which names were dropped.

    Raises:
        CheckpointError: names that are missing or left over, or shapes that differ; lists the first ones.
    """
    given = read_weights(file, key)
    if role_of(given) is not None:
        raise CheckpointError(
            f"{key}: {file} holds a {role_of(given)}, not a plain OpenGait model. Name the checkpoint that training the YAML of this"
            f" {type(net).__name__} wrote, or `auto`"
        )
    load_strictly(net, given, file, key, unreached)
    dropped = sorted(set(given) & unreached)
    count = len(set(net.state_dict()) - unreached)
    return f"{key}: {count} tensors from {file}" + (f"; dropped: {', '.join(dropped)}" if dropped else "")


def load_strictly(net: nn.Module, given: dict, file: Path, key: str, unreached: frozenset[str] = frozenset()) -> None:
    """`load` of weights that are read already, ``given`` by name."""
    own = net.state_dict()
    wanted = {name for name in own if name not in unreached}
    problems = [f"{name} is missing" for name in sorted(wanted - set(given))]
    problems += [f"{name} is not part of the model" for name in sorted(set(given) - set(own))]
    problems += [
        f"{name} is {list(given[name].shape)}, expected {list(own[name].shape)}"
        for name in sorted(wanted & set(given))
        if given[name].shape != own[name].shape
    ]
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise CheckpointError(
            f"{key}: {file} does not fit: " + "; ".join(problems[:5]) + more + f". It is not of this {type(net).__name__}:"
            " name a checkpoint that training its YAML wrote, or the YAML that this one was trained with (the key `cfgs` next to it)"
        )
    net.load_state_dict({**own, **{name: given[name] for name in wanted}})


def fingerprint(net: nn.Module, buffers: bool = True) -> str:
    """SHA-256 of every parameter and, by default, every buffer."""
    return hash_tensors(net.state_dict() if buffers else dict(net.named_parameters()))
