"""A host model as a part of ours: the YAML it comes from, the weights it is loaded with, and their hash."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import torch
from torch import Tensor, nn

from .. import host as hosts
from ..base import checkpoint_file as checkpoints
from ..base.config import REQUIRED, nearest, optional, read, text, unknown_key
from ..base.errors import CheckpointError, ConfigError, HostError
from ..host import load_cfgs, resolve
from ..host.run_paths import save_folder
from .backbone_refusals import refuse_inputs


class Misfit(CheckpointError):
    """A checkpoint can be read, and holds something else; whoever knows the file and the key that named it adds both."""


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


STAGE = {"cfgs": (None, optional(text)), "checkpoint": ("auto", text)}
"""A ``teacher`` or ``ven`` block: a YAML, and the weights that training it writes or a path."""


def backbone_block(value, where):
    """A check: ``{cfgs: FILE}``, or an OpenGait ``model_cfg`` inline."""
    forms = ("cfgs", "model")
    if isinstance(value, dict) and "cfgs" in value:
        read(value, where, {"cfgs": (REQUIRED, text)})
    elif not isinstance(value, dict) or "model" not in value:
        for key in value if isinstance(value, dict) else ():
            if nearest(key, forms):
                raise ConfigError(unknown_key(where, key, value[key], forms))
        raise ConfigError(f"{where} = {value!r}; expected {{cfgs: an OpenGait YAML}}, or an OpenGait model_cfg with its `model` key")
    return value


def backbone_cfg(block, key: str) -> tuple[dict, dict | None]:
    """Read a ``backbone`` block (see `backbone_block`).

    Returns:
        Its model_cfg, and the whole configuration it came from (None when inline).

    Raises:
        ConfigError: neither form, or a YAML of several inputs. HostError: the file is not found.
    """
    if "cfgs" in backbone_block(block, key):
        cfgs = load_cfgs(block["cfgs"], f"{key}.cfgs")
        refuse_inputs(cfgs, key)
        return cfgs["model_cfg"], cfgs
    return block, None


def around(cfgs: dict, own: dict | None) -> dict:
    """``cfgs`` with the data set's name of ``own``, the YAML a network comes from: GaitGL's depth follows that name."""
    if own is None:
        return cfgs
    return {**cfgs, "data_cfg": {**cfgs["data_cfg"], "dataset_name": own["data_cfg"]["dataset_name"]}}


def checkpoint_file(given: str, cfgs: dict, key: str, must_exist: bool = True, yaml: str | None = None) -> Path:
    """The weights a ``checkpoint`` key names: a path, or ``auto`` = the file that training ``cfgs`` writes and its test reads
    (``<output>/<dataset>/<model>/<save_name>/checkpoints/<save_name>-<iteration>.pt``). ``yaml``: where ``cfgs`` come from, for messages.

    Raises:
        CheckpointError: no such file; names the one expected and the command that makes it.
    """
    if given != "auto":
        try:
            return resolve(given, key)
        except HostError as error:
            raise CheckpointError(str(error)) from error
    evaluator = cfgs["evaluator_cfg"]
    if isinstance(evaluator["restore_hint"], str):
        return checkpoint_file(evaluator["restore_hint"], cfgs, key, yaml=yaml)
    name = evaluator["save_name"]
    folder = save_folder(cfgs, "evaluator_cfg") / "checkpoints"
    file = folder / f"{name}-{evaluator['restore_hint']:0>5}.pt"
    if must_exist and not file.is_file():
        there, host = ", ".join(sorted(p.name for p in folder.glob("*.pt"))) or "none", hosts.current()
        words = ["--cfgs", str(resolve(yaml, key)) if yaml else "ITS_YAML"]  # a YAML's own words for another are relative to itself
        words += ["--host", str(host.root) if host.name == "opengait" else host.name, "--output", str(hosts.output())]
        raise CheckpointError(
            f"{key}: auto expects {file}, which does not exist (checkpoints in that folder: {there}). Train it first with"
            f" `python -m opengait_mimic --phase train {shlex.join(words)}`, name a file, or give the --output where it is"
        )
    return file


def read_weights(file: Path, key: str) -> dict[str, Tensor]:
    """The ``model`` entry of a checkpoint; raises as `opengait_mimic.base.checkpoint_file.read`."""
    return checkpoints.read(file, key)["model"]


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
            " name a checkpoint that training its YAML wrote, or the YAML that this one was trained with (the key `cfgs` beside it)"
        )
    net.load_state_dict({**own, **{name: given[name] for name in wanted}})
    dropped = sorted(set(given) & unreached)
    return f"{key}: {len(wanted)} tensors from {file}" + (f"; dropped: {', '.join(dropped)}" if dropped else "")


def fingerprint(net: nn.Module, buffers: bool = True) -> str:
    """`tensors_hash` of every parameter and, unless told otherwise, every buffer."""
    return tensors_hash(net.state_dict() if buffers else dict(net.named_parameters()))


def tensors_hash(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over the name, shape, type and value of every tensor."""
    digest = hashlib.sha256()
    for name, value in sorted((name, value) for name, value in tensors.items() if isinstance(value, Tensor)):
        value = value.detach().cpu().contiguous()
        digest.update(f"{name}|{tuple(value.shape)}|{value.dtype}|".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return digest.hexdigest()


def geometry_of(cfgs: dict, pickles: tuple[int, ...] = (64, 64)) -> tuple[int, int] | None:
    """The silhouette size (h, w) that an OpenGait YAML's test makes of pickles of a size (h, w); None if either is unclear."""
    transform = cfgs["evaluator_cfg"]["transform"]
    steps = [step for block in transform for step in block.get("trf_cfg", [block])] if isinstance(transform, list) else []
    for step in steps if len(pickles) == 2 else ():
        h, w = pickles
        if step["type"] == "BaseSilCuttingTransform":
            return h, w - 2 * (w // 64 * 10 if step.get("cutting") is None else step["cutting"])
        if step["type"] == "BaseSilTransform" and not step.get("img_shape"):
            return h, w
    return None
