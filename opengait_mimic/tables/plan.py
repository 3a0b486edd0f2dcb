"""From a suite to the stages that train and test it, for one seed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

from ..runs import adapted, write_yaml
from ..stages import Stage
from .suites import BACKBONES, NETS, VENS, Net, Suite

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


class Plan:
    """The stages of a suite for one seed, in order, each network once; their configurations are written as they are met.

    Attributes:
        stages: for `opengait_mimic.stages.run`.
        rows: (backbone as in file names, label) -> name of its stage.
        reused: names of the stages that only test what another one trained.
        network: name of a row's stage -> name in `NETS`.
    """

    def __init__(self, suite: Suite, backbones: list[str], seed: int, job: Job):
        """Write every configuration."""
        self.job, self.seed, self.labels = job, seed, {name: label for label, name in suite.rows.items()}
        self.stages: list[Stage] = []
        self.rows: dict[tuple[str, str], str] = {}
        self.reused: set[str] = set()
        self.network: dict[str, str] = {}
        self._files: dict[tuple[str, str], Path] = {}
        for backbone in backbones:
            teacher = self._teacher(backbone)
            for label, name in suite.rows.items():
                self.rows[backbone, label] = teacher if name == "baseline1" else self._student(name, backbone, teacher)

    def _teacher(self, backbone: str) -> str:
        """The stage of the teacher, tested as Baseline-1 under the occlusion of the students."""
        title = f"{BACKBONES[backbone]} {self.labels.get('baseline1', 'teacher')}"
        file = self._write("baseline1", backbone)
        self.network[title] = "baseline1"
        self._add(Stage(title, file, self._result(file), teacher_of=self._write("baseline2", backbone)))
        return title

    def _student(self, name: str, backbone: str, teacher: str) -> str:
        net, title = NETS[name], f"{BACKBONES[backbone]} {self.labels.get(name, name)}"
        after = [teacher] if net.shipped == "mimicgait" else []
        if net.ven:
            after.append(self._ven(net.ven))
        file = self._write(name, backbone)
        if net.weights:
            self.reused.add(title)
        self.network[title] = name
        reference = self._result(self._files["baseline1", backbone])
        self._add(Stage(title, file, self._result(file), tuple(after), reference=reference))
        return title

    def _ven(self, name: str) -> str:
        title = "VEN" if name == "ven" else f"VEN {name}"
        file = self._write_ven(name)
        self._add(Stage(title, file, self._result(file)))
        return title

    def _add(self, stage: Stage) -> None:
        if all(stage.name != there.name for there in self.stages):  # a VEN may guide several
            self.stages.append(stage)

    def _result(self, file: Path) -> Path:
        return self.job.out / f"seed{self.seed}" / f"{file.stem}.json"

    def _write(self, name: str, backbone: str) -> Path:
        """The configuration of a network of `NETS`, with those it names."""
        if (name, backbone) not in self._files:
            net = NETS[name]
            weights = NETS[net.weights] if net.weights else net
            saved_as = _variant(net.weights or name, weights, self.job.cold)
            origin, cfgs = self._adapted(f"{net.shipped}/{net.shipped}_{backbone}_walkers.yaml", net.shipped, saved_as)
            changed(cfgs, net.changes)
            model = cfgs["model_cfg"]
            if net.shipped == "mimicgait" and self.job.cold:
                model["init_mimic"] = False
            for block in ("backbone", "teacher"):
                if model.get(block):
                    model[block]["cfgs"] = self._write("baseline1", backbone).name
            if model.get("ven"):
                model["ven"]["cfgs"] = self._write_ven(net.ven).name
            self._files[name, backbone] = self._save(cfgs, origin, _variant(name, net, self.job.cold))
        return self._files[name, backbone]

    def _write_ven(self, name: str) -> Path:
        if ("ven", name) not in self._files:
            variant = "" if name == "ven" else name
            origin, cfgs = self._adapted("ven/ven_walkers.yaml", "ven", variant)
            changed(cfgs, VENS[name])
            self._files["ven", name] = self._save(cfgs, origin, variant)
        return self._files["ven", name]

    def _adapted(self, shipped: str, kind: str, variant: str) -> tuple[str, dict]:
        steps = SMOKE.get(kind, 4) if self.job.smoke else None
        return shipped, adapted(shipped, self.job.data, self.job.classes, steps, self.seed, variant)

    def _save(self, cfgs: dict, origin: str, variant: str) -> Path:
        stem = Path(origin).stem.replace("walkers", self.job.data["dataset_name"].lower())
        file = self.job.out / "configs" / f"seed{self.seed}" / f"{stem}{variant and f'-{variant}'}.yaml"
        write_yaml(file, cfgs, f"written by opengait-mimic table, from {origin}")
        return file


def _variant(name: str, net: Net, cold: bool) -> str:
    """What sets a network apart from the shipped configuration of its kind, in names."""
    words = [name] if name != net.shipped else []
    return "-".join([*words, *(["cold"] if cold and net.shipped == "mimicgait" else [])])
