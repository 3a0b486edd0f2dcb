"""The pure core runs without a host, without the optional packages, and without a process group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import opengait_mimic

HOST = ("modeling", "data", "utils", "evaluation")
EXTRAS = ("jinja2", "matplotlib", "scipy", "sklearn", "pytorch_metric_learning", "tensorboard", "torchvision", "cv2", "einops", "tqdm")
PURE = (
    *("occlusion", "visibility", "losses", "retrieval", "occluded_side", "walkers", "augmentation", "evaluators", "config", "clips"),
    *("pictures", "distributed", "summary", "progress", "batchnorm", "compat", "public_weights", "manifest", "watch", "seeds", "layout"),
    *(
        *(f"data.{name}" for name in ("safe_pickle", "sequences", "check", "fingerprint", "check_report")),
        "provenance",
        "results.numbers",
        "results.scorer",
        "results.pictures",
        "report",
        "comparing",
        "parsing",
    ),
)

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


@pytest.mark.parametrize("blocked", [HOST, HOST + EXTRAS], ids=["host", "host and extras"])
def test_pure_modules_import_with_names_blocked(blocked, tmp_path):
    code = BLOCKER.format(blocked=blocked) + (
        "try:\n    import modeling\n    raise SystemExit('the blocker does not block')\nexcept ImportError:\n    pass\n"
        "import opengait_mimic\n"
        f"for name in {PURE!r}: importlib.import_module('opengait_mimic.' + name)\n"
        "print(sorted(n for n in sys.modules if n.startswith('opengait_mimic.host') or n.startswith('opengait_mimic.models')))"
    )
    assert python(code, tmp_path).strip() == "[]"


def test_pure_core_works_with_the_host_blocked(tmp_path):
    code = BLOCKER.format(blocked=HOST) + (
        "import torch, opengait_mimic as om\n"
        "block = om.Occlusion.from_cfg({}, 'x')\n"
        "sils = torch.rand(4, 3, 16, 8)\n"
        "hidden = om.apply(sils, [om.draw(block, (i,)) for i in range(4)])\n"
        "feature = om.VisibilityNetwork().guide(hidden, [3] * 4).detach()[:, :, None].requires_grad_()\n"
        "loss, info = om.MiCKDLoss()(feature, torch.rand(4, 64, 1), torch.tensor([0, 0, 1, 1]))\n"
        "loss.backward()\n"
        "print(feature.grad.isfinite().all().item())"
    )
    assert python(code, tmp_path).strip() == "True"


def test_import_touches_no_host_and_starts_no_process_group(tmp_path):
    for name in HOST:  # bait: would be imported from the working folder
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the host was imported')\n")
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "path = list(sys.path)\n"
        "import opengait_mimic\n"
        "import torch.distributed as dist\n"
        f"print([n for n in {HOST!r} if n in sys.modules], 'opengait_mimic.host' in sys.modules, dist.is_initialized(), path == sys.path)"
    )
    assert python(code, tmp_path).strip() == "[] False False True"


def test_everything_offered_exists():
    assert sorted(set(opengait_mimic.__all__)) == sorted(opengait_mimic.__all__)
    for name in opengait_mimic.__all__:
        assert getattr(opengait_mimic, name) is not None
