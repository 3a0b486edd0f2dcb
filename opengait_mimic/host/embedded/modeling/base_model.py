"""BaseModel, the base of every model: checkpoints, one step, the training and the test loop."""

from __future__ import annotations

import os
import os.path as osp
import time

import numpy as np
import torch
from data.transform import get_transform
from evaluation import evaluator
from utils import (
    Odict,
    ddp_all_gather,
    get_attr_from,
    get_msg_mgr,
    get_rank,
    get_valid_args,
    get_world_size,
    runtime,
)

from .loss_aggregator import LossAggregator
from .model_parts import ModelParts


class BaseModel(ModelParts):
    """Base of all models; a subclass gives `build_network` and `forward`.

    Args:
        cfgs: the whole config.
        training: build what training needs too.

    Attributes:
        msg_mgr: the message manager.
        cfgs: the config as given.
        iteration: iterations done.
        engine_cfg: ``trainer_cfg`` or ``evaluator_cfg``; on a CPU a copy with ``enable_float16: false``.
        save_path: ``<output>/<dataset_name>/<model>/<save_name>``.
        train_loader, test_loader, trainer_trfs, evaluator_trfs, loss_aggregator, optimizer, scheduler, Scaler: built
            as the phase needs them.
    """

    def __init__(self, cfgs, training):
        super().__init__()
        self.msg_mgr = get_msg_mgr()
        self.cfgs = cfgs
        self.iteration = 0
        self.device = runtime.device
        self.engine_cfg = cfgs["trainer_cfg" if training else "evaluator_cfg"]
        if self.engine_cfg["enable_float16"] and self.device.type == "cpu":
            self.engine_cfg = {**self.engine_cfg, "enable_float16": False}
            self.msg_mgr.log_info("enable_float16 has no effect on a CPU: computing in float32.")
        if training and self.engine_cfg["enable_float16"]:
            self.Scaler = torch.amp.GradScaler(self.device.type)
        data_cfg, model_cfg = cfgs["data_cfg"], cfgs["model_cfg"]
        self.save_path = osp.join(runtime.output, data_cfg["dataset_name"], model_cfg["model"], self.engine_cfg["save_name"])

        self.build_network(model_cfg)
        self.init_parameters()
        self.trainer_trfs = get_transform(cfgs["trainer_cfg"]["transform"])
        self.msg_mgr.log_info(data_cfg)
        if training:
            self.train_loader = self.get_loader(data_cfg, train=True)
        if not training or self.engine_cfg["with_test"]:
            self.test_loader = self.get_loader(data_cfg, train=False)
            self.evaluator_trfs = get_transform(cfgs["evaluator_cfg"]["transform"])

        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        self.to(self.device)
        if training:
            self.loss_aggregator = LossAggregator(cfgs["loss_cfg"])
            self.optimizer = self.get_optimizer(cfgs["optimizer_cfg"])
            self.scheduler = self.get_scheduler(cfgs["scheduler_cfg"])
        self.train(training)
        if self.engine_cfg["restore_hint"] != 0:
            self.resume_ckpt(self.engine_cfg["restore_hint"])

    def _ckpt_path(self, iteration):
        """File of the checkpoint at an iteration."""
        return osp.join(self.save_path, "checkpoints", f"{self.engine_cfg['save_name']}-{iteration:05d}.pt")

    def save_ckpt(self, iteration):
        """Write ``model``, ``optimizer``, ``scheduler`` and ``iteration``; rank 0 only."""
        if get_rank() != 0:
            return
        path = self._ckpt_path(iteration)
        os.makedirs(osp.dirname(path), exist_ok=True)
        parts = {name: getattr(self, name).state_dict() for name in ("optimizer", "scheduler")}
        torch.save({"model": self.state_dict(), **parts, "iteration": iteration}, path)

    def _load_ckpt(self, save_name):
        """Load the weights of a file and, in training, optimiser and schedule unless the config resets them."""
        checkpoint = torch.load(save_name, map_location=self.device, weights_only=True)
        self.load_state_dict(checkpoint["model"], strict=self.engine_cfg["restore_ckpt_strict"])
        for name in ("optimizer", "scheduler") if self.training else ():
            if name in checkpoint and not self.engine_cfg[f"{name}_reset"]:
                getattr(self, name).load_state_dict(checkpoint[name])
            else:
                self.msg_mgr.log_warning(f"The {name} starts from the beginning: it is not restored from {save_name}.")
        self.msg_mgr.log_info(f"Restored {save_name}")

    def resume_ckpt(self, restore_hint):
        """Restore a checkpoint.

        Args:
            restore_hint: an iteration of this run, where counting goes on, or the path of a file, with counting from 0.
        """
        if isinstance(restore_hint, int):
            self.iteration, path = restore_hint, self._ckpt_path(restore_hint)
        else:
            self.iteration, path = 0, restore_hint
        self._load_ckpt(path)

    def fix_BN(self):
        """Put all BatchNorm layers into eval mode."""
        for module in self.modules():
            if "BatchNorm" in type(module).__name__:
                module.eval()

    def inputs_pretreament(self, inputs):
        """Transform a collated batch and move it to the device.

        Args:
            inputs: ``[inputs, labels, types, views, seqL]`` of `CollateFn`.

        Returns:
            tuple: ``(ipts, labs, typs, vies, seqL)``: a float tensor per input, ``[n, s, h, w]`` or packed
            ``[1, s_1 + ... + s_n, h, w]``; labels ``[n]``; two lists; seqL ``[1, n]`` or None.
        """
        seqs, labs, typs, vies, seqL = inputs
        trfs = self.trainer_trfs if self.training else self.evaluator_trfs
        if not isinstance(trfs, list) or len(trfs) != len(seqs):
            raise ValueError(
                f"transform: one entry per input is needed (use Compose to chain several); the data have {len(seqs)} "
                f"inputs, the config {len(trfs) if isinstance(trfs, list) else 'no list'}"
            )
        ipts = []
        for trf, clips in zip(trfs, seqs):
            done = [trf(clip) for clip in clips]
            batch = np.ascontiguousarray(done[0])[None] if len(done) == 1 else np.stack(done)
            ipts.append(torch.from_numpy(batch).to(runtime.device).float())
        seqL = None if seqL is None else torch.from_numpy(seqL).to(runtime.device).int()
        return ipts, torch.tensor(labs, device=runtime.device), typs, vies, seqL

    def train_step(self, loss_sum) -> bool:
        """Back-propagate and step the optimiser and the schedule.

        Args:
            loss_sum: the loss, a scalar.

        Returns:
            False if the GradScaler skipped the step because a gradient overflowed.
        """
        self.optimizer.zero_grad()
        if not self.engine_cfg["enable_float16"]:
            loss_sum.backward()
            self.optimizer.step()
        elif not self._scaled_step(loss_sum):
            return False
        self.scheduler.step()
        self.iteration += 1
        return True

    def _scaled_step(self, loss_sum):
        """Step with the GradScaler; False if it found a gradient that is not finite and lowered its scale."""
        before = self.Scaler.get_scale()
        self.Scaler.scale(loss_sum).backward()
        self.Scaler.step(self.optimizer)
        self.Scaler.update()
        return self.Scaler.get_scale() >= before

    def _autocast(self):
        """The autocast context of this phase."""
        return torch.autocast(self.device.type, torch.float16, enabled=bool(self.engine_cfg["enable_float16"]))

    def inference(self, rank):
        """Embed the test set.

        Args:
            rank: rank of this process; rank 0 reports.

        Returns:
            Odict: key of ``inference_feat`` to an array, one row per test sequence, in the order of the data set.
        """
        total, begin = len(self.test_loader.dataset), time.time()
        feats = Odict()
        for inputs in self.test_loader:
            ipts = self.inputs_pretreament(inputs)
            with self._autocast():
                found = self.forward(ipts)["inference_feat"]
            feats.append({name: ddp_all_gather(v, requires_grad=False).cpu().numpy() for name, v in found.items()})
        if rank == 0:
            self.msg_mgr.log_info(f"Embedded {total} sequences in {time.time() - begin:.1f}s")
        return Odict((name, np.concatenate(rows)[:total]) for name, rows in feats.items())

    @staticmethod
    def run_train(model):
        """Train until ``total_iter``; save, and test if asked to, every ``save_iter`` iterations.

        Args:
            model: the model, or its DDP wrapper.
        """
        engine_cfg = model.engine_cfg
        if model.iteration >= engine_cfg["total_iter"]:
            model.msg_mgr.log_warning(f"Nothing to train: iteration {model.iteration} has reached total_iter.")
            return
        for inputs in model.train_loader:
            ipts = model.inputs_pretreament(inputs)
            with model._autocast():
                retval = model(ipts)
            loss_sum, loss_info = model.loss_aggregator(retval["training_feat"])
            if not model.train_step(loss_sum):
                continue
            summary = {**retval["visual_summary"], **loss_info}
            summary["scalar/learning_rate"] = model.optimizer.param_groups[0]["lr"]
            model.msg_mgr.train_step(loss_info, summary)
            if model.iteration % engine_cfg["save_iter"] == 0:
                model.save_ckpt(model.iteration)
                if engine_cfg["with_test"]:
                    BaseModel._test_between(model)
            if model.iteration >= engine_cfg["total_iter"]:
                break

    @staticmethod
    def _test_between(model):
        """Test in the middle of training, then go on training."""
        model.msg_mgr.log_info("Running test...")
        model.eval()
        results = BaseModel.run_test(model)
        model.train()
        if model.cfgs["trainer_cfg"]["fix_BN"]:
            model.fix_BN()
        model.msg_mgr.write_to_tensorboard(results or {})
        model.msg_mgr.reset_time()

    @staticmethod
    def run_test(model):
        """Embed the test set and evaluate it.

        Args:
            model: the model, or its DDP wrapper.

        Returns:
            What the evaluation function returns on rank 0, None elsewhere.

        Raises:
            ValueError: the test batch is not the number of processes.
        """
        evaluator_cfg, data_cfg = model.cfgs["evaluator_cfg"], model.cfgs["data_cfg"]
        batch, world = evaluator_cfg["sampler"]["batch_size"], get_world_size()
        if batch != world:
            raise ValueError(
                f"evaluator_cfg.sampler.batch_size = {batch}, but there are {world} processes; "
                "a test takes one sequence per process: set the two equal"
            )
        rank = get_rank()
        with torch.no_grad():
            found = model.inference(rank)
        if rank != 0:
            return None
        seqs = model.test_loader.dataset
        found.update(labels=seqs.label_list, types=seqs.types_list, views=seqs.views_list)
        eval_func = get_attr_from([evaluator], evaluator_cfg["eval_func"])
        name = data_cfg.get("test_dataset_name", data_cfg["dataset_name"])
        keys = {**evaluator_cfg, "dataset_partition": data_cfg["dataset_partition"]}
        return eval_func(found, name, **get_valid_args(eval_func, keys, keys))
