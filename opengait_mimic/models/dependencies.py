"""The networks that a model depends on. Pipeline, preflight, checkpoint identity, evaluation cache and compare read this alone."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import NamedTuple

from ..base.config import read_value
from ..base.errors import ConfigError
from ..host import is_ours, load_cfgs, lookup, resolve
from ..host.run_paths import checkpoint_file


class Use(Enum):
    """How a model uses another network.

    A model declares it: ``DEPENDS = {"teacher": Use.TRAINING, "ven": Use.FROZEN_INSIDE}``. The names are keys of ``model_cfg``, each a
    block ``{cfgs: FILE, checkpoint: auto}``.
    """

    TRAINING = "built in training only, never saved"
    FROZEN_INSIDE = "a frozen submodule, saved in the checkpoint, needed at test"
    REFERENCE = "not part of the model: its whole-body score is the denominator of RP"


class Dependency(NamedTuple):
    """One network that a configuration names.

    ``name``: its key in ``model_cfg``. ``yaml``: the file that trains it. ``checkpoint``: ``auto`` or a path, as the YAML has it.
    """

    name: str
    use: Use
    yaml: Path
    checkpoint: str = "auto"

    @property
    def key(self) -> str:
        """The YAML key of its block, for messages."""
        return f"model_cfg.{self.name}"

    def read_cfgs(self) -> dict:
        """The complete configuration that trains it."""
        return load_cfgs(self.yaml, f"{self.key}.cfgs")

    def weights(self, must_exist: bool = False) -> Path:
        """The path of its checkpoint. Raises: CheckpointError, see `opengait_mimic.host.run_paths.checkpoint_file`."""
        return checkpoint_file(self.checkpoint, self.read_cfgs(), f"{self.key}.checkpoint", must_exist, str(self.yaml))

    def is_whole_body(self) -> bool:
        """Whether it is a plain OpenGait model: those embed whole bodies, and their score is the denominator of RP."""
        return not is_ours(lookup("modeling.models", self.read_cfgs()["model_cfg"]["model"], f"{self.key}.cfgs: model_cfg.model"))


def dependencies(cfgs: dict, in_test: bool = False) -> dict[str, Dependency]:
    """The networks that a configuration's model depends on, by their keys in ``model_cfg``; empty for the host's own models.

    A block without ``cfgs`` stands for the backbone's YAML, if its model allows that. ``in_test``: leave out what is used in training only
    and has no YAML (an inline backbone); a test does not need it.

    Raises:
        ConfigError: a block is wrong or names no YAML. HostError: the YAML is not found.
    """
    model_cfg, found = cfgs["model_cfg"], {}
    model = lookup("modeling.models", model_cfg.get("model"), "model_cfg.model")
    for name, use in model.DEPENDS.items() if is_ours(model) else ():
        field, given = model.Config.model_fields[name], model_cfg.get(name)
        default = None if field.is_required() else field.default
        stage = default if given is None else read_value(field.annotation, given, f"model_cfg.{name}")
        if stage is None:  # the model does without
            continue
        yaml = stage.cfgs or (model_cfg.get("backbone") or {}).get("cfgs")
        if yaml is None and (use is Use.REFERENCE or (in_test and use is Use.TRAINING)):  # RP says why there is none
            continue
        if yaml is None:
            raise ConfigError(f"model_cfg.{name}.cfgs: missing; with an inline backbone, name the YAML that trains the {name}")
        found[name] = Dependency(name, use, resolve(str(yaml), f"model_cfg.{name}.cfgs"), stage.checkpoint)
    return found


def built_on(cfgs: dict) -> dict[str, Dependency]:
    """The `dependencies` that decide the weights: all but those that are a reference for RP."""
    return {name: each for name, each in dependencies(cfgs).items() if each.use is not Use.REFERENCE}


def rp_reference(cfgs: dict) -> Dependency | None:
    """The network whose whole-body score is HP, the denominator of RP.

    Returns:
        The dependency that is a plain OpenGait model; else what the backbone's YAML trains; None with an inline backbone.
    """
    named = next((each for each in dependencies(cfgs, in_test=True).values() if each.is_whole_body()), None)
    yaml = (cfgs["model_cfg"].get("backbone") or {}).get("cfgs")
    if named is not None or yaml is None:
        return named
    return Dependency("backbone", Use.REFERENCE, resolve(str(yaml), "model_cfg.backbone.cfgs"))
