"""Gait sequences in OpenGait's folder tree."""

from __future__ import annotations

import json
import os
import os.path as osp
import pickle

import torch.utils.data as tordata
from utils import get_msg_mgr


def _folders(path):
    """Names of the folders in `path`, sorted."""
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def _join_names(names, most=5):
    """The first few names as text."""
    return ", ".join(map(str, names[:most])) + (", ..." if len(names) > most else "")


def _load(paths):
    """Read the pickles of one sequence, one per kind of input.

    Returns:
        list: an array ``[s, ...]`` per pickle.
    """
    inputs = []
    for path in paths:
        if not path.endswith(".pkl"):
            raise ValueError(f"{path}: only .pkl files are read")
        with open(path, "rb") as stream:
            frames = pickle.load(stream)
        if inputs and len(frames) != len(inputs[0]):
            raise ValueError(f"{path}: {len(frames)} frames, but {paths[0]} next to it has {len(inputs[0])}")
        inputs.append(frames)
    return inputs


class DataSet(tordata.Dataset):
    """The sequences ``<dataset_root>/<label>/<type>/<view>/*.pkl`` of one half of the partition.

    Args:
        data_cfg: the config's block: ``dataset_name``, ``dataset_root``, ``dataset_partition`` (a JSON with
            ``TRAIN_SET`` and ``TEST_SET``), ``cache`` (keep all in memory), ``data_in_use`` (which files of a
            sequence: booleans or indices).
        training: take ``TRAIN_SET`` and put ``<dataset_name>-`` before each label; else take ``TEST_SET``.

    Attributes:
        seqs_info: ``[label, type, view, paths]`` per sequence.
        label_list, types_list, views_list: the three names, sequence by sequence.
        label_set, types_set, views_set: the same, sorted and without repetition.
        indices_dict: label to the positions of its sequences.

    Raises:
        FileNotFoundError: partition or root do not exist.
        ValueError: no sequence is left, or (when read) the inputs of a sequence differ in length.
    """

    def __init__(self, data_cfg, training):
        if data_cfg.get("self_supervised"):
            raise ValueError("data_cfg.self_supervised = true is not known to the embedded host; use OpenGait")
        self.dataset_name = data_cfg["dataset_name"]
        self.data_in_use = data_cfg.get("data_in_use")
        self.seqs_info = self._find(data_cfg, training)
        if training:
            for seq in self.seqs_info:
                seq[0] = f"{self.dataset_name}-{seq[0]}"

        self.label_list, self.types_list, self.views_list, _ = map(list, zip(*self.seqs_info))
        self.label_set, self.types_set, self.views_set = (
            sorted(set(names)) for names in (self.label_list, self.types_list, self.views_list)
        )
        self.indices_dict = {label: [] for label in self.label_set}
        for i, label in enumerate(self.label_list):
            self.indices_dict[label].append(i)
        self.seqs_data = [None] * len(self)
        if data_cfg.get("cache"):
            self.seqs_data = [self[idx][0] for idx in range(len(self))]

    def __len__(self):
        """Number of sequences."""
        return len(self.seqs_info)

    def __getitem__(self, idx):
        """Inputs and ``[label, type, view, paths]`` of one sequence."""
        info = self.seqs_info[idx]
        return self.seqs_data[idx] or _load(info[-1]), info

    def _find(self, data_cfg, training):
        """List the sequences of the partition's half that are on disk."""
        root, partition = data_cfg["dataset_root"], data_cfg["dataset_partition"]
        for key, path in (("dataset_root", root), ("dataset_partition", partition)):
            if not osp.exists(path):
                raise FileNotFoundError(f"data_cfg.{key} = {path} does not exist (working directory: {os.getcwd()})")
        half = "TRAIN_SET" if training else "TEST_SET"
        with open(partition, "rb") as stream:
            wanted = json.load(stream)[half]

        msg_mgr = get_msg_mgr()
        on_disk = set(_folders(root))
        labels = [label for label in wanted if label in on_disk]
        msg_mgr.log_info(f"{half} of {self.dataset_name}: {len(labels)} ids: {_join_names(labels)}")

        found, empty = [], []
        for label in labels:
            for typ in sorted(os.listdir(osp.join(root, label))):
                for view in sorted(os.listdir(osp.join(root, label, typ))):
                    folder = osp.join(root, label, typ, view)
                    files = self._choose(sorted(os.listdir(folder)))
                    if files:
                        found.append([label, typ, view, [osp.join(folder, name) for name in files]])
                    else:
                        empty.append(f"{label}-{typ}-{view}")
        if empty:
            msg_mgr.log_warning(f"{len(empty)} sequences without a file are left out: {_join_names(empty)}")
        if not found:
            raise ValueError(
                f"no sequence of {half} found: data_cfg.dataset_root = {root}, "
                f"data_cfg.dataset_partition = {partition}; expected <root>/<label>/<type>/<view>/*.pkl "
                f"with labels such as {_join_names(wanted) or '(the list is empty)'}"
            )
        return found

    def _choose(self, files):
        """Apply ``data_in_use`` to the sorted files of a sequence."""
        use = self.data_in_use
        if use is None:
            return files
        if all(isinstance(u, bool) for u in use):
            return [name for name, wanted in zip(files, use) if wanted]
        return [files[i] for i in use if i < len(files)]
