"""A teacher that is run as it is, over a test set: what a mimic's whole-body score and its teacher's gallery come from."""

from __future__ import annotations

from pathlib import Path

from .backbone_probe import inspect
from .occluded_input import OccludedInput
from .upstream_weights import load


def teacher_class(model: type) -> type:
    """A class of `occluded_class`, restored in a test as a mimic's `Teacher` is in its training.

    The heads that the embedding does not reach are not restored, so a checkpoint of another number of classes serves; all else is
    restored strictly, whatever the teacher's ``restore_ckpt_strict``. They are found with a clip of the size of the first test sequence.

    Raises:
        CheckpointError: what the embedding reaches is missing or does not fit; names ``model_cfg.teacher.checkpoint``. ConfigError: see
            `inspect`.
    """

    class Whole(model):
        def resume_ckpt(self, restore_hint):
            first = self.test_loader.collate_fn([self.test_loader.dataset[0]])
            (view, *_), *_ = super(OccludedInput, self).inputs_pretreament(first)
            found = inspect(self, tuple(view.shape[-2:]), f"model_cfg.teacher ({model.__name__})", self.cfgs)
            self.msg_mgr.log_info(load(self, Path(restore_hint), "model_cfg.teacher.checkpoint", found.unreached))

    Whole.__name__ = Whole.__qualname__ = model.__name__
    return Whole
