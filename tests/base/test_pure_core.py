"""The pure core runs without a host, without the optional packages, and without a process group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import opengait_mimic

HOST = ("modeling", "data", "utils", "evaluation")
EXTRAS = ("jinja2", "matplotlib", "scipy", "sklearn", "pytorch_metric_learning", "tensorboard", "torchvision", "cv2", "einops")
BLOCKER = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Blocker())
"""


def python(code: str, cwd: Path) -> str:
    """Run code in a fresh interpreter that sees nothing but the package; its standard output."""
    env = {**os.environ, "PYTHONPATH": str(Path(opengait_mimic.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


ROOMS = ("base", "occlusion", "losses", "networks", "metrics", "data", "published")
"""The rooms below the host."""


def test_the_pure_rooms_import_with_host_and_extras_blocked(tmp_path):
    code = BLOCKER.format(blocked=HOST + EXTRAS) + (
        "import pkgutil, opengait_mimic\n"
        f"for room in {ROOMS!r}:\n"
        "    package = importlib.import_module('opengait_mimic.' + room)\n"
        "    for each in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(each.name)\n"
        "print(sorted(n for n in sys.modules if n.startswith('opengait_mimic.host') or n.startswith('opengait_mimic.models')))"
    )
    assert python(code, tmp_path).strip() == "[]"


def test_pure_core_works_with_the_host_blocked(tmp_path):
    code = BLOCKER.format(blocked=HOST) + (
        "import torch, opengait_mimic as om\n"
        "block = om.Occlusion.from_cfg({}, 'x')\n"
        "sils = torch.rand(4, 3, 16, 8)\n"
        "hidden = om.apply(sils, [om.draw(block, (i,)) for i in range(4)])\n"
        "feature = om.VisibilityNetwork()(hidden.flatten(0, 1)).reshape(4, 3, 64).mean(1).detach()[:, :, None].requires_grad_()\n"
        "loss, info = om.MiCKDLoss()(feature, torch.rand(4, 64, 1), torch.tensor([0, 0, 1, 1]))\n"
        "loss.backward()\n"
        "print(feature.grad.isfinite().all().item())"
    )
    assert python(code, tmp_path).strip() == "True"


def test_everything_offered_exists():
    assert sorted(set(opengait_mimic.__all__)) == sorted(opengait_mimic.__all__)
    for name in opengait_mimic.__all__:
        assert getattr(opengait_mimic, name) is not None
