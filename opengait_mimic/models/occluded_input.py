"""Occluded input for any host model: the batch our models see, and the mixin that makes it."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from .. import occlusion as plain_hiding
from ..base.config import Allowed, Block, Natural, Share, pair_of, read_value, whole
from ..base.errors import ConfigError
from ..base.processes import gather, rank_and_world
from ..host import follow_world_size, resolve
from ..host.test_checks import protocol_of_test
from ..host.trainer_keys import LauncherKeys
from ..metrics.protocols import Listed, Rule, is_probe
from ..occlusion import Draw, Occlusion, binarise, test_key, training_key
from ..occlusion.clips import clip_lengths, clip_of_frame
from ..occlusion.condition import Condition
from ..occlusion.kinds import MOVING
from ..published.hooks import KEEPS_GREY, Hooks
from ..published.switches import TEST, TRAIN, switches_of
from .dependencies import Use
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


TRAINING = {"kinds": {"none": 0.2, "top": 0.4, "bottom": 0.4}, "hidden": [0.4, 0.6]}
"""What training hides where the YAML has no ``trainer_cfg.occlusion``; whole bodies are among it."""


class OccludedConfig(Block):
    """``model_cfg`` of a model with occluded input."""

    geometry: pair_of(whole(8)) = Field((64, 44), description="height and width of silhouettes after the transforms, pixels")
    binarise: Share | None = Field(0.5, description="threshold of the occluded input, 0-1; null: grey values are kept")
    reference_compat: Annotated[Any, Allowed("`all`, or switches")] = Field({}, description="departures of the public code that are on")


class OccludedInput(SharedDraws, Watched):
    """Mixin, before a host model: its input is occluded clip by clip, after the host's own transforms.

    In training the draw of a clip depends on (``trainer_cfg.seed``, iteration, position in the global batch); in testing on
    the condition and the clip's name, so it is the same in any order, on any number of processes and on both hosts.

    Attributes:
        condition: what a test hides; `hide` sets another.
        given: the draws of the test where a manifest gives them, see `hide`.
        hides_training: False where training is the host's own (Baseline-1).
        grey: the kinds whose clips keep the host's grey values; all others are binarised.
        hooks: what ``reference_compat`` changes.
        trained_with: the switches of ``reference_compat`` that decided the weights, by their dotted keys.
        tested_with: those that take effect in this test.
        Config: the schema of its ``model_cfg``.
        DEPENDS: key of ``model_cfg`` -> how the model uses the network it names (`Use`).
        IS_RANKED: whether a test ranks its embeddings; False for a network that estimates what is hidden.
    """

    hides_training = True
    Config: type[OccludedConfig] = OccludedConfig
    DEPENDS: dict[str, Use] = {}
    IS_RANKED = True
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
    def role(cls) -> str:
        """The name of the model in the registration table, as its checkpoints state it."""
        return cls.Config.model_fields["model"].default

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
        seed = read_value(Natural, trainer.get("seed", 0), "trainer_cfg.seed")
        drawn = Occlusion.from_cfg(trainer.get("occlusion", TRAINING), "trainer_cfg.occlusion")
        condition, hooks = Condition.from_cfg(evaluator.get("occlusion"), "evaluator_cfg.occlusion"), Hooks(cfgs)
        grey = KEEPS_GREY if hooks.grey_whole else () if self.hides_training else ("none",)
        found = {"seed": seed, "drawn": drawn, "condition": condition, "hooks": hooks, "grey": grey, "given": None}
        found.update({"_seen": set(), "_protocol": None, "_test_list": None})
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def hide(self, block: dict | None, given: dict | None = None) -> None:
        """Test from now on under another ``evaluator_cfg.occlusion``, with every sequence hidden.

        Args:
            block: as the YAML has it, whatever its ``occluded_side``; None = whole bodies.
            given: (label, type, view) -> `Draw` of every test sequence, in the place of drawing.

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
        return switches_of(self.cfgs, TRAIN) if self.hides_training else {}

    @property
    def tested_with(self) -> dict:
        """From the configuration; see the class."""
        found = switches_of(self.cfgs, TEST, whole_bodies=self.condition.occlusion is None)
        return {key: value for key, value in found.items() if not (key.endswith(".shared_draw") and self.draws_alone(False))}

    def occluded_batch(self, inputs) -> OccludedBatch:
        """The host's raw batch, transformed by the host, detached, occluded by us."""
        raw_labels = inputs[1]
        ipts, labs, typs, vies, seqL = super().inputs_pretreament(inputs)
        whole = ipts[0].detach().float()
        self._check(ipts, whole, seqL)
        lengths = clip_lengths(whole, seqL)
        clips = [] if self.training else list(zip(raw_labels, typs, vies))
        keys, draws = self._draw_training(len(lengths)) if self.training else self._draw_test(clips)
        hiding = plain_hiding if self.given is not None and not self.training else self.hooks.hiding(self.training)
        starts = self._starts(draws, clips, lengths, whole.device) if hiding is not plain_hiding else None
        occlusion, engine = (self.drawn, "trainer_cfg") if self.training else (self.condition.occlusion, "evaluator_cfg")
        ordered = self.cfgs[engine]["sampler"]["sample_type"].endswith("_ordered")
        axis = occlusion.time_axis if occlusion else 1
        times = hiding.clip_times(draws, keys, lengths, ordered, axis, *([] if starts is None else [starts]))
        hidden_view = hiding.apply(whole, draws, seqL, times)
        occluded = binarise(hidden_view, self.binarise)
        kind, hidden = hiding.targets(draws, lengths, *whole.shape[-2:], times, whole.device)
        if any(d.kind in self.grey for d in draws):
            grey = torch.tensor([d.kind in self.grey for d in draws])[clip_of_frame(lengths)].to(whole.device)
            occluded = torch.where(grey.reshape(*whole.shape[:2], 1, 1), hidden_view, occluded)
        return OccludedBatch(occluded, whole, labs, typs, vies, seqL, lengths, list(draws), times, kind, hidden)

    def _draw_training(self, count: int) -> tuple[list[tuple], list[Draw]]:
        """Keys and draws of this process's clips."""
        rank, world = rank_and_world()
        shared, draw = self.shared_draw(True), self.hooks.hiding(True).draw
        make_key = training_key if shared is None else shared.training_key
        keys = [make_key(self.seed, self.iteration, i * world + rank) for i in range(count)]
        return keys, [draw(self.drawn, key) for key in keys]

    def _draw_test(self, clips: list[tuple]) -> tuple[list[tuple], list[Draw]]:
        """Keys and draws of test clips, given as (index of the label, type, view)."""
        keys, draws = zip(*(self.test_draw(*clip) for clip in clips))
        if self.given is not None:
            labels = self.test_loader.dataset.label_set
            draws = [self.given[labels[label], type_, view] for label, type_, view in clips]
        return list(keys), list(draws)

    def _starts(self, draws, clips, lengths, device) -> list[int] | None:
        """The time of each clip's first frame where clips share a time axis (``shared_draw`` with ``moving``); else None."""
        shared, occlusion = self.shared_draw(self.training), self.drawn if self.training else self.condition.occlusion
        if shared is None or not self.hooks.get("moving", self.training) or not (occlusion and set(occlusion.possible) & set(MOVING)):
            return None
        if self.training:
            rank, world = rank_and_world()
            frames = gather(torch.tensor(lengths, device=device)).reshape(-1, len(lengths)).T.flatten().tolist()  # by position
            return shared.training_starts([i * world + rank for i in range(len(lengths))], frames)
        labels = self.test_loader.dataset.label_set
        named = [(labels[label], type_, view) for label, type_, view in clips]
        return [shared.test_starts([clip], self.test_list)[0] if d.once else 0 for d, clip in zip(draws, named)]

    def test_draw(self, label: int, type_: str, view: str) -> tuple[tuple, Draw]:
        """The key and the draw of one test clip under the condition."""
        occlusion, side, seed = self.condition
        dataset = self.cfgs["data_cfg"].get("test_dataset_name") or self.cfgs["data_cfg"]["dataset_name"]
        name = self.test_loader.dataset.label_set[label]
        if side == "probe" and not is_probe(self.protocol(), name, type_, view):
            side = "holistic"
        if occlusion is None or side == "holistic":
            occlusion = Occlusion({"none": 1.0}, (0.0, 0.0))
        shared = self.shared_draw(False)
        if shared is None:
            key = test_key(seed, occlusion.condition, dataset, name, type_, view)
        else:
            key = shared.test_key(seed, occlusion.condition, dataset, self.test_list.position(name, type_, view))
        return key, self.hooks.hiding(False).draw(occlusion, key)

    def protocol(self) -> Rule | Listed:
        """That of the test set."""
        if self._protocol is None:
            data = self.cfgs["data_cfg"]
            partition = str(resolve(data["dataset_partition"], "data_cfg.dataset_partition"))
            cfgs = {**self.cfgs, "data_cfg": {**data, "dataset_partition": partition}}
            object.__setattr__(self, "_protocol", protocol_of_test(cfgs))
        return self._protocol

    def _check(self, ipts, whole, seqL):
        """Once per phase: one silhouette input of the declared geometry, in 0..1; and what is not shared where the YAML asks for it."""
        self._log_draws_alone()
        if self.training in self._seen:
            return
        given = [f"trainer_cfg.{key}" for key in LauncherKeys.model_fields if key in self.cfgs["trainer_cfg"]]
        if self.training and given and "train_step" not in vars(self):
            self.msg_mgr.log_warning(f"{', '.join(given)}: only our own launcher reads these keys; no effect here")
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

    def _log_draws_alone(self):
        """Once per phase that hides: log where clips share no draw although ``shared_draw`` is on."""
        hides, said = self.training or self.condition.occlusion, ("shared_draw", self.training)
        if said not in self._seen and hides and self.hooks.get("shared_draw", self.training):
            self._seen.add(said)
            if why := self.draws_alone(self.training):
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
