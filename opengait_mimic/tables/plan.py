"""From a suite to the stages that train and test it, for one seed."""

from __future__ import annotations

from ..stages import Stage
from .files import Files, Job
from .nets import BACKBONES, NETS
from .suites import Suite


class Plan:
    """The stages of a suite for one seed, in order, each network once; their configurations are written as they are met.

    Every backbone begins with its teacher, which is tested as Baseline-1 under the occlusion of its students, through the
    configuration of the first of them, and gives the denominator of RP.

    Attributes:
        seed: of training and occlusion.
        stages: for `opengait_mimic.stages.run`.
        rows: name of a stage -> (backbone as in file names, label, name in `NETS`), for the stages that are rows.
        reused: names of the stages that only test what another one trained.
    """

    def __init__(self, suite: Suite, backbones: list[str], seed: int, job: Job):
        """Write every configuration."""
        self.seed, self.files, self.stages = seed, Files(seed, job), []
        self.rows: dict[str, tuple[str, str, str]] = {}
        self.reused: set[str] = set()
        for backbone in backbones:
            titles = {name: f"{BACKBONES[backbone]} {label}" for label, name in suite.rows.items()}
            titles.setdefault("baseline1", f"{BACKBONES[backbone]} teacher")
            self._teacher("baseline1", titles["baseline1"], backbone)
            for label, name in suite.rows.items():
                if name != "baseline1":
                    self._student(name, titles, backbone)
                self.rows[titles[name]] = (backbone, label, name)

    def _teacher(self, name: str, title: str, backbone: str) -> str:
        file = self.files.net(name, backbone)
        student = next(other for other, net in NETS.items() if net.teacher == name and net.shipped != "baseline1")
        return self._add(Stage(title, file, self.files.result(file), teacher_of=self.files.net(student, backbone)))

    def _student(self, name: str, titles: dict[str, str], backbone: str) -> None:
        net = NETS[name]
        teacher = self._teacher(net.teacher, titles.get(net.teacher, f"{BACKBONES[backbone]} {net.teacher}"), backbone)
        after = [teacher] if net.shipped == "mimicgait" else []
        if net.ven:
            file = self.files.ven(net.ven)
            after.append(self._add(Stage("VEN" if net.ven == "ven" else f"VEN {net.ven}", file, self.files.result(file))))
        if net.weights:
            if titles.get(net.weights) not in self.rows:  # as with --only
                self._student(net.weights, titles, backbone)
            self.reused.add(titles[name])
        file = self.files.net(name, backbone)
        self._add(Stage(titles.get(name, f"{BACKBONES[backbone]} {name}"), file, self.files.result(file), tuple(after)))

    def _add(self, stage: Stage) -> str:
        if all(stage.name != there.name for there in self.stages):  # a teacher has several students, a VEN too
            self.stages.append(stage)
        return stage.name
