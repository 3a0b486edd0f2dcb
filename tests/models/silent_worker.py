"""Run by test_baseline2.py under torchrun (HOST OUTPUT YAML...): train Baseline-2 of a made-up model from every YAML."""

from __future__ import annotations

import sys

from opengait_mimic import host as hosts
from opengait_mimic.base.errors import ConfigError
from opengait_mimic.base.processes import rank_and_world
from opengait_mimic.training.launch import launch

host, output, *files = sys.argv[1:]
hosts.bind(host, "cpu", output)

import modeling.models  # noqa: E402


class Sleeper(modeling.models.Baseline):
    """Its stem never gets a gradient."""

    __module__ = "modeling.models.made_up"

    def build_network(self, model_cfg):
        super().build_network(model_cfg)
        stem = self.Backbone.forward
        self.Backbone.forward = lambda sils: stem(sils).detach()


modeling.models.Sleeper = Sleeper
for file in files:
    try:
        said = f"trained {launch(file, 'train', quiet=True).iteration} steps"
    except ConfigError as error:
        said = f"refused: {error}"
    print(f"process {rank_and_world()[0]} {said}", flush=True)
hosts.leave()
