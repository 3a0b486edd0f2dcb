"""``opengait-mimic import``: a checkpoint of the public MimicGait code becomes one of ours."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from . import host as hosts
from .config import ConfigError
from .host import follow_world_size, load_cfgs, resolve
from .inputs import sha256
from .launch import start_log
from .preparing import model_class
from .public_weights import RULES, PublicWeightsError, convert
from .training import checkpoints

MODELS = {"mimicgait": "MimicGait", "occlusionaware": "OcclusionAware", "ven": "VEN"}
"""Kind of a public checkpoint -> our model whose YAML it is imported for."""
INPUT_NOTE = "the public VEN was trained on frames of 0 and 255 (input_255) and guides its mimic from frames of 0 and 1"
AMOUNT_NOTE = "its amount head gives the fraction KEPT, 0 for a whole body (kept_amount); ours gives the fraction hidden"
KINDS_NOTE = "its class order is ours: none, bottom hidden, top hidden"
RANK_NOTE = "the public code ranks the bare embedding; without reference_compat: {rank: bare} in model_cfg this YAML ranks the fused one"
GREY_NOTE = (
    "the public code leaves whole clips and those under patch and pole grey; without reference_compat: {grey_whole: true} in both"
    " occlusion blocks this YAML binarises them"
)
KINDS = ["none", "bottom", "top"]
"""What the public detector tells apart."""
NEEDED = ("input_255", "kept_amount")
"""Switches without which a public VEN's heads would be misread."""


def import_public(kind: str, source: str, cfgs: str, out: str, without_heads: bool = False) -> list[str]:
    """Convert a public checkpoint and write it; nothing is written unless every tensor has its place.

    Args:
        kind: one of `MODELS`.
        source: the public file: an OpenGait checkpoint, or for ``ven`` the detector's plain state dict.
        cfgs: our YAML that describes the same network.
        out: the file to write, which must not exist; a test, ``evaluate`` or ``model_cfg.ven.checkpoint`` loads it strictly.
        without_heads: see `convert`.

    Returns:
        The lines to print: what was mapped, dropped and filled, and what the numbers mean.

    Raises:
        CheckpointError: the file cannot be read. PublicWeightsError: it is no such checkpoint or does not fit. ConfigError: the YAML is
            for another model, or lacks what the public VEN's heads mean.
        HostError: a file is missing. FileExistsError: ``out`` exists.
    """
    if Path(out).exists():
        raise FileExistsError(f"--out {out} exists; remove it or name another file")
    file = resolve(source, "--from")
    public, iteration = read_public(file, kind)
    hosts.search[:] = [Path(cfgs).expanduser().resolve().parent]
    model = network(load_cfgs(cfgs), kind)
    off = [name for name in NEEDED if kind == "ven" and not without_heads and not getattr(model.compat, name)]
    if off:
        raise ConfigError(
            f"{cfgs}: model_cfg.reference_compat lacks {', '.join(off)}, and the heads of a public VEN would be misread: {INPUT_NOTE};"
            f" {AMOUNT_NOTE}. Set {{{', '.join(f'{name}: true' for name in NEEDED)}}}, or give --without-heads"
        )
    if kind == "ven" and not without_heads and model.kinds not in (None, KINDS):
        raise ConfigError(
            f"{cfgs}: model_cfg.kinds = {model.kinds}, but the public detector tells {', '.join(KINDS)} apart. Set kinds: {KINDS}, or"
            " null to leave its class head out; or give --without-heads"
        )
    try:
        found = convert(kind, public, model.state_dict(), without_heads)
    except PublicWeightsError as error:
        raise PublicWeightsError(f"--from {file} does not fit {cfgs}: {error}") from None
    notes = notes_of(kind, model, without_heads)
    imported = {"kind": kind, "from": file.name, "sha256": sha256(file), "iteration": iteration, "zeroed": found.zeroed, "notes": notes}
    says = {**model.get_extra_state(), "imported": imported}
    if "trained_on" in says:
        says["trained_on"] = None  # the YAML's occlusion is not what the public code trained on
    for unknown in ("switches", "grey_whole", "ven_kinds"):  # likewise
        says.pop(unknown, None)
    checkpoints.write(Path(out), {"model": {**found.state, "_extra_state": says}, "iteration": iteration})
    lines = [f"{group}: {len(names)} tensors" for group, names in found.groups.items()]
    lines += [f"dropped, {reason}: {', '.join(names)}" for reason, names in found.dropped.items()]
    lines += [f"zeros, the public weights have no such tensor that fits: {', '.join(found.zeroed)}"] if found.zeroed else []
    return [*lines, *(f"note: {note}" for note in notes), f"written: {out} ({imported['sha256']} of {file.name})"]


def notes_of(kind: str, model: nn.Module, without_heads: bool) -> list[str]:
    """What the numbers of an imported file mean, as far as the YAML's model reads them otherwise than the public code."""
    if kind == "ven":
        heads = [note for note, there in ((AMOUNT_NOTE, model.VEN.amount_head), (KINDS_NOTE, model.VEN.kind_head)) if there is not None]
        return [INPUT_NOTE, *(() if without_heads else heads)]
    notes = [] if model.VEN is None else [INPUT_NOTE]
    if kind == "mimicgait" and model.VEN is not None and model.compat.rank != "bare":
        notes.append(RANK_NOTE)
    return notes if model.grey else [*notes, GREY_NOTE]


def read_public(file: Path, kind: str) -> tuple[dict[str, Tensor], int]:
    """The tensors of a public checkpoint and its iteration (0 where it says none), read with ``weights_only=True``.

    Raises:
        CheckpointError: it cannot be read, or would run code when read. PublicWeightsError: it holds no weights.
    """
    loaded = checkpoints.load(file, "--from")
    state = loaded.get("model", loaded if kind == "ven" else None) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(name, str) for name in state):
        expected = "a state dict of the detector" if kind == "ven" else "an OpenGait checkpoint with a `model` entry"
        raise PublicWeightsError(f"--from {file}: expected {expected}")
    return state, int(loaded.get("iteration", 0)) if "model" in loaded else 0


def network(cfgs: dict, kind: str) -> nn.Module:
    """The network of one of our configurations in its test phase, without data and without weights.

    Raises:
        ConfigError: the configuration is not of this kind.
    """
    model = model_class(cfgs)
    if kind not in RULES or model.__name__ != MODELS[kind]:
        raise ConfigError(f"--kind {kind} needs a YAML of model: {MODELS.get(kind)}; this one says {cfgs['model_cfg'].get('model')}")

    class Unfilled(model):
        """The model as its constructor builds it, but for loaders and checkpoint."""

        def get_loader(self, *_, **__):
            return None

        def resume_ckpt(self, *_):
            return None

    start_log(cfgs, False, False, quiet=True)
    follow_world_size(cfgs)
    return Unfilled(cfgs, False)
