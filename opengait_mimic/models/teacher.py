"""The frozen teacher: outside the module tree, in eval mode, checked bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from utils import get_msg_mgr

from ..base.checkpoint_file import entry, hash_tensors, read_weights
from ..base.errors import ConfigError
from ..host.model_cfg import geometry_of
from ..host.run_paths import checkpoint_file
from ..networks.batchnorm import gather_batchnorm
from .backbone_exceptions import freeze
from .backbone_probe import embed, inspect, rehearse
from .nested_backbone import build
from .silhouette_inputs import refuse_others
from .upstream_weights import fingerprint, load

KEPT = "teacher_weights"
"""Under this name a mimic's checkpoint keeps `Teacher.weights`."""


class TeacherChanged(RuntimeError):
    """The teacher's weights or BatchNorm statistics differ from those it started with."""


class Teacher:
    """A whole-body OpenGait model that gives gamma_t.

    It is a plain object, not a module of the mimic: never in its state dict, DDP, SyncBN, optimiser, ``train()`` or
    ``init_parameters()``.

    Args:
        cfgs: the teacher's own complete configuration.
        checkpoint: a path, or ``auto``.
        geometry: (h, w) of the mimic.
        any_geometry: accept a teacher whose YAML is for another geometry, and say so (`check_geometry`).
        live: leave it in training mode as the public code does: its BatchNorm uses the batch's statistics and its running ones
            drift. Then `verify` looks at parameters alone.
        gathered: where it is live, the statistics are those of all processes (``trainer_cfg.sync_BN``).

    Attributes:
        file: the checkpoint.
        hash: of the network as it stands after loading, which `verify` compares.
        weights: of the tensors of its checkpoint; says anywhere which teacher it is, whatever that file is called.

    Raises:
        ConfigError: the teacher's YAML is for another input, its model embeds no silhouettes, or it is to be live and cannot be in
            training mode without a run of its own (SwinGait). CheckpointError: its weights are missing or do not fit.

    Source:
        MimicGait (WACV 2025), section 3.3. The public code leaves the teacher in training mode, so its BatchNorm
        statistics drift during distillation; here they cannot, unless ``live`` asks for it.
    """

    def __init__(self, cfgs: dict, checkpoint: str, geometry: tuple[int, int], any_geometry=False, live=False, gathered=False, yaml=None):
        """Build, load, freeze, hash."""
        refuse_others(cfgs, "model_cfg.teacher", yaml)
        self.cfgs, self.geometry, self.any_geometry = cfgs, tuple(geometry), any_geometry
        self.net = build(cfgs["model_cfg"], cfgs, "model_cfg.teacher")
        self.embedding = inspect(self.net, geometry, f"model_cfg.teacher ({type(self.net).__name__})", cfgs)
        self.file = checkpoint_file(checkpoint, cfgs, "model_cfg.teacher.checkpoint", yaml=yaml)
        self.report = load(self.net, self.file, "model_cfg.teacher.checkpoint", self.embedding.unreached)
        if live:
            self._try_live(geometry)
        freeze(self.net)
        self.live = live
        if live:
            (gather_batchnorm(self.net) if gathered else self.net).train()
            get_msg_mgr().log_warning(
                "reference_compat.live_teacher: the teacher's BatchNorm uses each batch's statistics and its running ones drift; its hash"
                " covers parameters only"
            )
        self.hash, self.weights = fingerprint(self.net, buffers=not live), weights_of_teacher(self.file)

    def _try_live(self, geometry):
        try:
            rehearse(self.net, geometry, f"model_cfg.teacher ({type(self.net).__name__})")
        except ConfigError as error:
            raise ConfigError(
                f"reference_compat.live_teacher leaves the teacher in training mode. {error}, or leave the switch out"
            ) from error

    def check_geometry(self, pickles: tuple[int, ...]) -> None:
        """Was it trained on what the mimic sees? Its checkpoint says it, or what its YAML makes of the mimic's pickles.

        Args:
            pickles: the size (h, w) of their frames; where it is another number of numbers, and where the transforms do not tell, a
                line in the log says that nothing is checked.

        Raises:
            ConfigError: another size than ``geometry``, which ``any_geometry`` only tells in the log.
        """
        named, trained = geometry_of(self.cfgs, pickles), entry(self.file).get("picture_size")
        seen, sizes = f"{self.geometry[0]}x{self.geometry[1]}", []
        if named is not None:
            own = f"{named[0]}x{named[1]} silhouettes where pickles are {'x'.join(map(str, pickles))}, as here"
            sizes.append((named, f"YAML tests on {own}"))
        if trained is not None:
            sizes.append((tuple(trained), f"checkpoint {self.file} was trained on {trained[0]}x{trained[1]} silhouettes"))
        if not sizes:
            get_msg_mgr().log_info(
                "model_cfg.teacher: neither the transforms of its YAML nor its checkpoint tell the size of its silhouettes: that it was"
                f" trained on {seen} is not checked"
            )
        theirs = next((text for size, text in sizes if size != self.geometry), None)
        if theirs and not self.any_geometry:
            raise ConfigError(
                f"model_cfg.teacher: its {theirs}; model_cfg.geometry is {list(self.geometry)}. Teacher, VEN and mimic must see one"
                " geometry: change model_cfg.geometry and the transforms, or the teacher."
            )
        if theirs:
            get_msg_mgr().log_warning(f"reference_compat.any_geometry: the teacher's {theirs}; it is fed {seen}")

    @torch.no_grad()
    def __call__(self, inputs) -> Tensor:
        """gamma_t ``[n, c, p]`` of whole-body clips."""
        return embed(self.net, inputs)

    def verify(self) -> None:
        """Raise `TeacherChanged` unless every parameter, and of a teacher that is not live every buffer, is as at the start."""
        now = fingerprint(self.net, buffers=not self.live)
        if now != self.hash:
            raise TeacherChanged(f"the frozen teacher changed during training (hash {self.hash[:12]} -> {now[:12]}): nothing is saved")


def frame_size(dataset) -> tuple[int, ...]:
    """The size (h, w) of the frames of a host's data set, before transforms, from its first sequence; () where it has several inputs."""
    inputs, _ = dataset[0]
    return np.shape(inputs[0][0]) if len(inputs) == 1 else ()


def weights_of_teacher(file: str | Path) -> str:
    """The hash by which a mimic's checkpoint knows its teacher: of every tensor in the ``model`` entry of the teacher's."""
    return hash_tensors(read_weights(Path(file), "model_cfg.teacher.checkpoint"))


def other_teacher(cfgs: dict, teacher: dict) -> str:
    """Is a mimic to be compared with a teacher that did not train it?

    Args:
        cfgs: the mimic's configuration; its checkpoint is the one that a test reads.
        teacher: the teacher's, with the path of its weights as ``evaluator_cfg.restore_hint``.

    Returns:
        What is wrong and the ways out; empty where the two belong together, or where the mimic's checkpoint does not say
        (imported, or written before it was kept).
    """
    file, theirs = checkpoint_file("auto", cfgs, "evaluator_cfg.restore_hint"), teacher["evaluator_cfg"]["restore_hint"]
    state = read_weights(file, "evaluator_cfg.restore_hint").get("_extra_state")
    known = state.get(KEPT) if isinstance(state, dict) else None
    if known in (None, weights_of_teacher(theirs)):
        return ""
    return (
        f"model_cfg.teacher.checkpoint: {theirs} holds other weights than the teacher that trained {file}, so neither RP nor a gallery"
        " that it embeds would belong to this mimic. Name that teacher's checkpoint, train the mimic again, or pass --reference for RP"
    )
