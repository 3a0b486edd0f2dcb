"""Whole runs on a tiny tree: train, save, resume, test; one process and two."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from opengait_mimic.base.errors import CheckpointError

pytestmark = pytest.mark.usefixtures("embedded")


def build(cfgs, training):
    from modeling import models
    from utils import get_msg_mgr, init_seeds

    init_seeds(0)
    model = models.Baseline(cfgs, training)
    if training:
        get_msg_mgr().init_manager(model.save_path, False, cfgs["trainer_cfg"]["log_iter"], model.iteration)
    return model


def checkpoint(cfgs, iteration):
    from utils import runtime

    return Path(runtime.output, "CASIA-B", "Baseline", "tiny", "checkpoints", f"tiny-{iteration:05d}.pt")


def equal(a, b):
    """Nested dicts, lists, tensors and numbers, bit by bit."""
    if torch.is_tensor(a):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


def test_train_save_resume_and_test(cfgs, capfd):
    from modeling.base_model import BaseModel
    from utils import init_seeds

    model = build({**cfgs, "trainer_cfg": {**cfgs["trainer_cfg"], "total_iter": 2}}, True)
    before = copy.deepcopy(model.state_dict())
    BaseModel.run_train(model)
    assert model.iteration == 2 and not equal(before, model.state_dict())
    line = r"\[INFO\]: Iteration 00002, Cost [\d.]+s, triplet_loss=\d\.\d{4}, .*softmax_accuracy=\d\.\d{4}"
    assert re.search(line, capfd.readouterr().err)

    saved = torch.load(checkpoint(cfgs, 2), weights_only=True)
    assert sorted(saved) == ["iteration", "model", "optimizer", "scheduler"] and saved["iteration"] == 2
    assert equal(saved["model"], model.state_dict()) and equal(saved["optimizer"], model.optimizer.state_dict())

    model.engine_cfg["total_iter"] = 4
    init_seeds(7)
    BaseModel.run_train(model)
    resumed = build({**cfgs, "trainer_cfg": {**cfgs["trainer_cfg"], "restore_hint": 2}}, True)
    assert resumed.iteration == 2
    init_seeds(7)
    BaseModel.run_train(resumed)
    assert equal(resumed.state_dict(), model.state_dict())
    assert equal(resumed.optimizer.state_dict(), model.optimizer.state_dict())
    assert resumed.optimizer.param_groups[0]["lr"] == pytest.approx(0.01)  # after the milestone at 3

    tested = build(cfgs, False)
    assert equal(tested.state_dict(), model.state_dict()) and not tested.training
    assert not hasattr(tested, "optimizer") and not hasattr(tested, "train_loader")
    results = BaseModel.run_test(tested)
    assert 0 <= results["scalar/test_accuracy/NM@R1"] <= 100


def test_inference_is_one_row_per_sequence_in_order(cfgs):
    cfgs["evaluator_cfg"]["restore_hint"] = 0
    model = build(cfgs, False)
    with torch.no_grad():
        found = model.inference(0)["embeddings"]
        assert found.shape == (12, 8, 16)
        for i in (0, 5, 11):
            (sils,), _ = model.test_loader.dataset[i]
            x = torch.from_numpy(sils[:, :, 10:54] / 255).float()[None]
            alone = model(([x], torch.zeros(1).long(), None, None, None))["inference_feat"]["embeddings"][0]
            assert torch.allclose(torch.from_numpy(found[i]), alone, atol=1e-5)


def test_tests_during_training_leave_it_in_training(cfgs, monkeypatch):
    from modeling.base_model import BaseModel

    cfgs["trainer_cfg"].update(with_test=True, total_iter=2, fix_BN=True)
    model, calls = build(cfgs, True), []
    monkeypatch.setattr(BaseModel, "run_test", staticmethod(lambda m: calls.append(m.training) or {"scalar/x": 1.0}))
    BaseModel.run_train(model)
    assert calls == [False] and model.training and not model.BNNecks.bn1d.training


def test_construction_order(cfgs, monkeypatch):
    from modeling.base_model import BaseModel
    from modeling.models import Baseline

    order = []

    def watch(Model, name):
        original = getattr(Model, name)

        def spy(self, *args, **kwargs):
            order.append(name)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(Model, name, spy)

    watch(Baseline, "build_network")
    for name in ("init_parameters", "get_loader", "to", "get_optimizer", "get_scheduler", "train"):
        watch(BaseModel, name)
    monkeypatch.setattr(BaseModel, "resume_ckpt", lambda self, hint: order.append(f"resume {hint}"))
    cfgs["trainer_cfg"].update(restore_hint=2, with_test=True)
    Baseline(cfgs, True)
    expected = ["build_network", "init_parameters", "get_loader", "get_loader", "to", "get_optimizer", "get_scheduler", "train", "resume 2"]
    assert order == expected


def test_model_says_what_it_cannot_do(cfgs, messages):
    from modeling.base_model import BaseModel

    cfgs["evaluator_cfg"].update(restore_hint=17, enable_float16=True)
    with pytest.raises(CheckpointError, match=r"restore_hint: .*tiny-00017\.pt"):
        build(cfgs, False)
    assert [text for level, text in messages if "float32" in text] == ["enable_float16 has no effect on a CPU: computing in float32."]
    cfgs["evaluator_cfg"].update(restore_hint=0)
    cfgs["evaluator_cfg"]["sampler"]["batch_size"] = 4
    with pytest.raises(ValueError, match="batch_size = 4, but there are 1 processes"):
        BaseModel.run_test(build(cfgs, False))
    cfgs["trainer_cfg"]["transform"] = {"type": "BaseSilTransform"}
    model = build(cfgs, True)
    with pytest.raises(ValueError, match="one entry per input"):
        model.inputs_pretreament(next(iter(model.train_loader)))


def test_checkpoint_of_other_weights_restores_only_if_not_strict(cfgs, tmp_path, messages):
    cfgs["evaluator_cfg"]["restore_hint"] = 0
    model = build(cfgs, False)
    weights = {name: value for name, value in model.state_dict().items() if name != "FCs.fc_bin"}
    weights["BNNecks.fc_bin"] = torch.full_like(weights["BNNecks.fc_bin"], 2.0)
    path = str(tmp_path / "part.pt")
    torch.save({"model": weights, "iteration": 9}, path)
    cfgs["trainer_cfg"].update(restore_hint=path)
    with pytest.raises(RuntimeError, match="FCs.fc_bin"):
        build(cfgs, True)
    cfgs["trainer_cfg"].update(restore_ckpt_strict=False)
    restored = build(cfgs, True)
    assert restored.iteration == 0 and (restored.BNNecks.fc_bin == 2).all()
    assert sum("starts from the beginning" in text for level, text in messages if level == "warning") == 2


def test_log_lines_are_not_doubled(tmp_path, capfd):
    from utils import get_msg_mgr

    msg_mgr = get_msg_mgr()
    for _ in range(3):
        msg_mgr.init_logger(str(tmp_path), True)
    msg_mgr.log_info("only once")
    assert capfd.readouterr().err.count("only once") == 1
    assert sum(path.read_text().count("only once") for path in (tmp_path / "logs").iterdir()) == 1


def test_training_goes_on_without_tensorboard(cfgs, monkeypatch, capfd):
    from modeling.base_model import BaseModel

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    cfgs["trainer_cfg"]["total_iter"] = 2
    BaseModel.run_train(build(cfgs, True))
    err = capfd.readouterr().err
    assert err.count("TensorBoard is not installed") == 1 and "Iteration 00002" in err


def test_models_losses_and_backbones_publish_what_their_files_hold():
    from modeling import backbones, losses, models

    assert {"Baseline", "BaseModel"} <= set(vars(models)) and {"BaseLoss", "TripletLoss"} <= set(vars(losses))
    assert {"ResNet9", "BasicBlock"} <= set(vars(backbones))


WORKER = """
import gc
import sys
sys.path.insert(0, sys.argv[1])
import torch, torch.distributed as dist
from modeling.losses import TripletLoss
from utils import ddp_all_gather, get_ddp_module

torch.manual_seed(0)
x, labels = torch.randn(8, 3, 2), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
net = torch.nn.Linear(2, 2)
alone = TripletLoss(0.5)(embeddings=net(x), labels=labels)[0].mean()
expected = torch.autograd.grad(alone, list(net.parameters()))
dist.init_process_group("gloo")
rank = dist.get_rank()
net = get_ddp_module(net)
loss = TripletLoss(0.5)(embeddings=net(x[rank::2]), labels=labels[rank::2])[0].mean()
loss.backward()
assert torch.allclose(loss, 2 * alone, atol=1e-5), (loss, alone)
for p, grad in zip(net.parameters(), expected):
    assert torch.allclose(p.grad, grad, atol=1e-5), (p.grad, grad)
assert ddp_all_gather(torch.tensor([rank])).tolist() == [0, 1]
assert net.in_features == 2 and net.module.in_features == 2
del net, loss, p
gc.collect()
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_gathered_triplet_loss_has_the_gradient_of_one_process(embedded, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script), str(embedded)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
