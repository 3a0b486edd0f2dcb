"""The configurations of a table: what is shipped, with the changes of `NETS` and `VENS`, written as complete YAML files."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

from ..runs import adapted, set_classes, write_yaml
from .nets import NETS, VENS

SMOKE = {"baseline1": 4, "ven": 10}  # steps; 4 for everything else


class Job(NamedTuple):
    """What all rows of a table have in common.

    ``out``: the folder of everything. ``data``, ``classes``: see `training_data`. ``smoke``: a few steps. ``cold``: the mimics
    start from random weights, whatever their shipped configuration says.
    """

    out: Path
    data: dict
    classes: int
    smoke: bool = False
    cold: bool = False


def changed(cfgs: dict, changes: dict[str, Any]) -> None:
    """Set dotted keys of a configuration; a number counts in a list, blocks that are missing or null are made."""
    for dotted, value in changes.items():
        *path, last = (int(key) if key.isdigit() else key for key in dotted.split("."))
        place = cfgs
        for key in path:
            if isinstance(place, dict) and place.get(key) is None:
                place[key] = {}
            place = place[key]
        place[last] = copy.deepcopy(value)


class Files:
    """Writes the configurations of one seed, each once, below ``<out>/configs/seed<N>/``.

    Args:
        seed: of training and occlusion.
        job: of the table.
    """

    def __init__(self, seed: int, job: Job):
        """Nothing is written yet."""
        self.seed, self.job, self._made = seed, job, {}

    def net(self, name: str, backbone: str) -> Path:
        """The configuration of a network of `NETS`; those it names are written as well."""
        if (name, backbone) not in self._made:
            net = NETS[name]
            origin = f"{net.shipped}/{net.shipped}_{backbone}_walkers.yaml"
            cfgs = self._adapted(origin, net.shipped, self._variant(net.weights or name))
            changed(cfgs, net.changes)
            model = cfgs["model_cfg"]
            set_classes(model, self.job.classes)
            if net.shipped == "mimicgait" and self.job.cold:
                model["init_mimic"] = False
            for block in ("backbone", "teacher"):
                if model.get(block):
                    model[block]["cfgs"] = self.net(net.teacher, backbone).name
            if model.get("ven"):
                model["ven"]["cfgs"] = self.ven(net.ven).name
            self._made[name, backbone] = self._save(cfgs, origin, self._variant(name))
        return self._made[name, backbone]

    def ven(self, name: str) -> Path:
        """The configuration of a VEN of `VENS`."""
        if ("ven", name) not in self._made:
            origin, variant = "ven/ven_walkers.yaml", self._marked("" if name == "ven" else name)
            cfgs = self._adapted(origin, "ven", variant)
            changed(cfgs, VENS[name])
            self._made["ven", name] = self._save(cfgs, origin, variant)
        return self._made["ven", name]

    def result(self, file: Path) -> Path:
        """Where the test of a configuration is kept."""
        return self.job.out / f"seed{self.seed}" / f"{file.stem}.json"

    def _variant(self, name: str) -> str:
        """What sets a network apart from the shipped configuration of its kind, in names."""
        words = [name] if name != NETS[name].shipped else []
        words += ["cold"] if self.job.cold and NETS[name].shipped == "mimicgait" else []
        return self._marked("-".join(words))

    def _marked(self, variant: str) -> str:
        """A smoke run's networks are kept apart from real ones."""
        return "-".join(filter(None, (variant, "smoke" if self.job.smoke else "")))

    def _adapted(self, origin: str, kind: str, variant: str) -> dict:
        steps = SMOKE.get(kind, 4) if self.job.smoke else None
        tag = "-".join(filter(None, ("table", variant)))  # the demo's networks meet other batches
        return adapted(origin, self.job.data, self.job.classes, steps, self.seed, tag)

    def _save(self, cfgs: dict, origin: str, variant: str) -> Path:
        stem = Path(origin).stem.replace("walkers", self.job.data["dataset_name"].lower())
        file = self.job.out / "configs" / f"seed{self.seed}" / f"{stem}{variant and f'-{variant}'}.yaml"
        write_yaml(file, cfgs, f"written by opengait-mimic table, from {origin}")
        return file
