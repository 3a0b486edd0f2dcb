"""From a list of sequences to a batch: which frames are taken, and how clips are laid out."""

from __future__ import annotations

import math
import random

import numpy as np


class CollateFn:
    """Draws frames and builds ``[inputs, labels, types, views, seqL]``.

    ``fixed_*`` gives clips of equal length, ``unfixed_*`` draws the length per clip, ``all_*`` takes every frame; the
    last two pack the clips one after the other. ``*_unordered`` draws frames anywhere in the sequence, ``*_ordered``
    keeps their order. Draws come from Python's and NumPy's global generators.

    Args:
        label_set: sorted labels; a label becomes its position.
        sample_config: the sampler block: ``sample_type``, ``frames_num_fixed`` (fixed), ``frames_num_min`` and
            ``frames_num_max`` (unfixed), ``frames_skip_num`` (ordered), ``frames_all_limit`` (all).

    Raises:
        ValueError: unknown ``sample_type``. KeyError: a key that it needs is missing.
    """

    def __init__(self, label_set, sample_config):
        sample_type = sample_config["sample_type"]
        self.sampler, _, order = sample_type.partition("_")
        needed = {"fixed": ["frames_num_fixed"], "unfixed": ["frames_num_min", "frames_num_max"], "all": []}
        if self.sampler not in needed or order not in ("ordered", "unordered"):
            raise ValueError(f"sample_type = {sample_type!r}; allowed: fixed, unfixed or all, then _ordered or _unordered")
        self.ordered = order == "ordered"
        keys = needed[self.sampler] + (["frames_skip_num"] if self.ordered and self.sampler != "all" else [])
        if sample_config.get("points_in_use"):
            raise ValueError("points_in_use: point clouds are not known to the embedded host; use OpenGait")
        self.cfg = {key: sample_config[key] for key in keys}
        self.limit = sample_config.get("frames_all_limit", -1) if self.sampler == "all" else -1
        self.label_index = {label: i for i, label in enumerate(label_set)}

    def __call__(self, batch):
        """Collate.

        Args:
            batch: items of `DataSet`.

        Returns:
            list: ``inputs[f]`` is the list of the clips ``[s, ...]`` (fixed) or a list of one packed sequence; labels
            are positions in the label set; ``seqL`` is ``[1, n]`` or None (fixed).
        """
        seqs, infos = zip(*batch)
        clips = [self._take(seq) for seq in seqs]  # [n][f]
        inputs = [list(group) for group in zip(*clips)]  # [f][n]
        labs = [self.label_index[info[0]] for info in infos]
        typs, vies = [info[1] for info in infos], [info[2] for info in infos]
        if self.sampler == "fixed":
            return [inputs, labs, typs, vies, None]
        seqL = np.asarray([[len(clip) for clip in inputs[0]]])
        packed = [[clip[0] if len(clip) == 1 else np.concatenate(clip)] for clip in inputs]
        return [packed, labs, typs, vies, seqL]

    def _take(self, seq):
        """The drawn frames of one sequence, the same for each of its inputs."""
        if self.sampler == "all":
            stop = self.limit if self.limit > -1 else None
            return [np.asarray(frames)[:stop] for frames in seq]
        picked = self._draw(len(seq[0]))
        return [np.asarray(frames)[picked] for frames in seq]

    def _draw(self, length):
        """Positions of the frames of one clip."""
        if self.sampler == "fixed":
            count = self.cfg["frames_num_fixed"]
        else:
            count = random.choice(range(self.cfg["frames_num_min"], self.cfg["frames_num_max"] + 1))
        if not self.ordered:
            return np.random.choice(length, count, replace=length < count)
        window = count + self.cfg["frames_skip_num"]
        reach = length * math.ceil(window / length) if length < window else length  # the sequence repeated
        start = random.choice(range(reach - window + 1))
        return (start + np.sort(np.random.choice(window, count, replace=False))) % length
