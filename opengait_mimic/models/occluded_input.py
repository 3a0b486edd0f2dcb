"""Occluded input for any host model: the batch our models see, and the mixin that makes it."""

from __future__ import annotations

import json
from typing import NamedTuple

import torch
from torch import Tensor

from ..base.config import integer, number, optional, pair
from ..base.errors import ConfigError
from ..base.processes import rank_and_world
from ..host import follow_world_size, resolve
from ..host.trainer_keys import FIELDS
from ..metrics.protocols import is_probe
from ..occlusion import Draw, Occlusion, apply, binarise, clip_times, draw, group_key, targets, test_key, training_key
from ..occlusion.clips import clip_lengths, owners
from ..occlusion.condition import Condition
from ..published.switches import in_configuration, of_test, of_training, place_of
from .depends import Use
from .logged_scalars import Watched
from .shared_draws import SharedDraws


class OccludedBatch(NamedTuple):
    """A batch seen twice: hidden as drawn, and whole. Clips as the host gives them, fixed or packed."""

    occluded: Tensor  # [n, s, h, w] or [1, S, h, w]
    whole: Tensor  # same shape
    labs: Tensor  # [n]
    typs: list
    vies: list
    seqL: Tensor | None  # [1, n]
    lengths: list  # frames of each clip
    draws: list  # of each clip
    times: Tensor  # [S] time of each frame, which moving occluders follow
    kind: Tensor  # [S] of each frame, index into KINDS; 0 where a moving occluder does not touch it
    hidden: Tensor  # [S] hidden share of each frame's area

    def inputs(self, view: Tensor):
        """One of the two views as the 5-tuple that a host model's ``forward`` takes."""
        return [view], self.labs, self.typs, self.vies, self.seqL


GREY = ("none", "patch", "pole")
"""What `reference_compat: {grey_whole: true}` leaves grey."""
TRAINING = {"kinds": {"none": 0.2, "top": 0.4, "bottom": 0.4}, "hidden": [0.4, 0.6]}
"""What training hides where the YAML has no ``trainer_cfg.occlusion``; whole bodies are among it."""
GEOMETRY = ([64, 44], pair(integer(8)))
BINARISE = (0.5, optional(number(0, 1)))


class OccludedInput(SharedDraws, Watched):
    """Mixin, before a host model: its input is occluded clip by clip, after the host's own transforms.

    In training the draw of a clip depends on (``trainer_cfg.seed``, iteration, position in the global batch); in testing on
    the condition and the clip's name, so it is the same in any order, on any number of processes and on both hosts. Under
    ``reference_compat: shared_draw`` the group's number (see `Groups`) takes the place of position and name.

    Attributes:
        condition: what a test hides; `hide` sets another.
        given: the draws of the test where they are not drawn, see `hide`.
        hides_training: False where training is the host's own (Baseline-1).
        grey: the kinds whose clips keep the host's grey values; all others are binarised.
        trained_with: the switches of ``reference_compat`` that decided the weights, by their dotted keys.
        tested_with: those that this test heeds beside them.
        DEPENDS: key of ``model_cfg`` -> how the model uses the network it names (`Use`).
    """

    hides_training = True
    DEPENDS: dict[str, Use] = {}
    geometry: tuple[int, int] | None = None
    binarise: float | None = 0.5

    def __init__(self, cfgs, training):
        """Read the occlusion blocks, then build the host model as usual.

        Raises:
            ConfigError: a block of ours is wrong, or a transform occludes as well.
        """
        self.read_blocks(cfgs)
        follow_world_size(cfgs)
        super().__init__(cfgs, training)

    @classmethod
    def foresee(cls, cfgs) -> None:
        """Refuse, from the configuration alone, what would stop a training."""

    def read_blocks(self, cfgs) -> None:
        """Read ``trainer_cfg.seed``, both ``occlusion`` blocks, and refuse a transform that occludes too."""
        trainer, evaluator = cfgs["trainer_cfg"], cfgs["evaluator_cfg"]
        for where, block in (("trainer_cfg", trainer), ("evaluator_cfg", evaluator)):
            if "OcclusionAugmentation" in str(block.get("transform")) and (self.hides_training or block is evaluator):
                raise ConfigError(
                    f"{where}.transform: OcclusionAugmentation would hide the whole view too, and one draw would serve a whole"
                    f" batch. Remove it; {type(self).__name__} occludes by itself ({where}.occlusion)."
                )
        seed = integer(0)(trainer.get("seed", 0), "trainer_cfg.seed")
        place = place_of(cfgs["model_cfg"].get("model"))
        drawn = Occlusion.from_cfg(trainer.get("occlusion", TRAINING), "trainer_cfg.occlusion", place)
        condition = Condition.from_cfg(evaluator.get("occlusion"), "evaluator_cfg.occlusion", place)
        grey = [bool(occlusion and occlusion.published("grey_whole")) for occlusion in (drawn, condition.occlusion)]
        if self.hides_training and condition.occlusion and grey[0] != grey[1]:
            raise ConfigError(
                f"trainer_cfg.occlusion.reference_compat.grey_whole = {grey[0]}, evaluator_cfg.occlusion.reference_compat.grey_whole ="
                f" {grey[1]}: a network is tested on the input it was trained on; set both alike"
            )
        found = {"seed": seed, "drawn": drawn, "condition": condition, "given": None}
        found["grey"] = GREY if grey[0 if self.hides_training else 1] else () if self.hides_training else ("none",)
        found.update({"_seen": set(), "_probe_set": None, "_listed": {}, "_frames": {}})
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def hide(self, block: dict | None, given: dict | None = None) -> None:
        """Test from now on under another ``evaluator_cfg.occlusion``, with every sequence hidden.

        Args:
            block: as the YAML has it, whatever its ``occluded_side``; None = whole bodies.
            given: (label, type, view) -> (`Draw`, time of its first frame) of every test sequence, in the place of drawing.

        Raises:
            ConfigError: as where the block stands in the YAML.
        """
        evaluator = {key: value for key, value in self.cfgs["evaluator_cfg"].items() if key != "occlusion"}
        if block is not None:
            evaluator["occlusion"] = {**block, "occluded_side": "both"}
        self.cfgs = {**self.cfgs, "evaluator_cfg": evaluator}
        self.read_blocks(self.cfgs)
        object.__setattr__(self, "given", given)

    @property
    def trained_with(self) -> dict:
        """From the configuration, all that a plain checkpoint lets us know; see the class."""
        return of_training(in_configuration(self.cfgs)) if self.hides_training else {}

    @property
    def tested_with(self) -> dict:
        """From the configuration; see the class."""
        found = of_test(in_configuration(self.cfgs))
        return {key: value for key, value in found.items() if not (key.endswith(".shared_draw") and self.alone(False))}

    def occluded_batch(self, inputs) -> OccludedBatch:
        """The host's raw batch, transformed by the host, detached, occluded by us."""
        raw_labels = inputs[1]
        ipts, labs, typs, vies, seqL = super().inputs_pretreament(inputs)
        whole = ipts[0].detach().float()
        self._check(ipts, whole, seqL)
        lengths, occlusion = clip_lengths(whole, seqL), self.drawn if self.training else self.condition.occlusion
        groups = self.groups(occlusion, self.training)
        if self.training:
            rank, world = rank_and_world()
            positions = [i * world + rank for i in range(len(lengths))]
            keys = [training_key(self.seed, self.iteration, groups.of(i, True) if groups else i) for i in positions]
            draws = [draw(occlusion, key) for key in keys]
        else:
            clips = list(zip(raw_labels, typs, vies))
            positions = [self.listed(*clip) for clip in clips] if groups else []
            keys, draws = zip(*(self.test_draw(*clip) for clip in clips))
            draws = [self._given(*clip)[0] for clip in clips] if self.given is not None else draws
        engine = self.cfgs["trainer_cfg" if self.training else "evaluator_cfg"]
        ordered = engine["sampler"]["sample_type"].endswith("_ordered")
        starts = self.starts(occlusion, draws, positions, lengths, whole.device) if groups else None
        if self.given is not None and not self.training:
            starts = [self._given(*clip)[1] for clip in clips]
        times = clip_times(draws, keys, lengths, ordered, occlusion.time_axis if occlusion else 1, starts)
        hidden_view = apply(whole, draws, seqL, times)
        occluded = binarise(hidden_view, self.binarise)
        kind, hidden = targets(draws, lengths, *whole.shape[-2:], times, whole.device)
        if any(d.kind in self.grey for d in draws):
            grey = torch.tensor([d.kind in self.grey for d in draws])[owners(lengths)].to(whole.device)
            occluded = torch.where(grey.reshape(*whole.shape[:2], 1, 1), hidden_view, occluded)
        return OccludedBatch(occluded, whole, labs, typs, vies, seqL, lengths, list(draws), times, kind, hidden)

    def test_draw(self, label: int, type_: str, view: str) -> tuple[tuple, Draw]:
        """The key and the draw of one test clip under the condition."""
        occlusion, side, seed = self.condition
        dataset = self.cfgs["data_cfg"].get("test_dataset_name") or self.cfgs["data_cfg"]["dataset_name"]
        name = self.test_loader.dataset.label_set[label]
        if side == "probe" and not is_probe(dataset, name, type_, view, self.probe_set()):
            side = "holistic"
        if occlusion is None or side == "holistic":
            occlusion = Occlusion({"none": 1.0}, (0.0, 0.0))
        groups = self.groups(occlusion, False)
        if groups:
            key = group_key(seed, occlusion.condition, dataset, groups.of(self.listed(label, type_, view), False))
        else:
            key = test_key(seed, occlusion.condition, dataset, name, type_, view)
        return key, draw(occlusion, key)

    def _given(self, label: int, type_: str, view: str) -> tuple[Draw, int]:
        """The draw of one test clip and the time of its first frame, from `given`."""
        return self.given[self.test_loader.dataset.label_set[label], type_, view]

    def probe_set(self):
        """The partition's ``PROBE_SET`` (Gait3D); empty where it has none."""
        if self._probe_set is None:
            partition = resolve(self.cfgs["data_cfg"]["dataset_partition"], "data_cfg.dataset_partition")
            object.__setattr__(self, "_probe_set", [frozenset(json.loads(partition.read_text()).get("PROBE_SET", ()))])
        return self._probe_set[0]

    def _check(self, ipts, whole, seqL):
        """Once per phase: one silhouette input of the declared geometry, in 0..1; and what is not shared where the YAML asks for it."""
        self._tell_alone()
        if self.training in self._seen:
            return
        given = [f"trainer_cfg.{key}" for key in FIELDS if key in self.cfgs["trainer_cfg"]]
        if self.training and given and "train_step" not in vars(self):
            self.msg_mgr.log_warning(f"{', '.join(given)}: heeded by `python -m opengait_mimic` and opengait-mimic alone; no effect here")
        if len(ipts) != 1 or whole.dim() != 4:
            raise ConfigError(
                f"data: {type(self).__name__} takes silhouettes alone; got {len(ipts)} inputs, the first of shape {tuple(whole.shape)}."
                " Choose the silhouette file with data_cfg.data_in_use."
            )
        if self.geometry is not None and tuple(whole.shape[-2:]) != tuple(self.geometry):
            raise ConfigError(
                f"model_cfg.geometry = {list(self.geometry)}, but after the transforms silhouettes are {list(whole.shape[-2:])}:"
                " BaseSilCuttingTransform makes 64x44 of 64x64 pickles, BaseSilTransform leaves 64x64. Change one of the two."
            )
        top = float(whole.max())
        if top > 1.001:  # a rotation may round up
            raise ConfigError(
                f"data: silhouettes reach {top:g} after the transforms, expected 0..1: BaseSil(Cutting)Transform divides by 255"
            )
        self._seen.add(self.training)

    def _tell_alone(self):
        """Once per phase that hides."""
        occlusion, said = self.drawn if self.training else self.condition.occlusion, ("shared_draw", self.training)
        if said not in self._seen and occlusion and occlusion.published("shared_draw"):
            self._seen.add(said)
            if why := self.alone(self.training):
                self.msg_mgr.log_info(f"reference_compat.shared_draw: {why}; nothing is shared")


def occluded_class(model: type) -> type:
    """A host model's class with occluded test input; its training is the host's own. Baseline-1, if that saw whole bodies."""

    class Occluded(OccludedInput, model):
        hides_training = False

        def inputs_pretreament(self, inputs):
            if self.training:
                return model.inputs_pretreament(self, inputs)
            batch = self.occluded_batch(inputs)
            return batch.inputs(batch.occluded)

    Occluded.__name__ = Occluded.__qualname__ = model.__name__
    return Occluded
