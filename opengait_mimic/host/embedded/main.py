"""Train or test a model: ``python main.py --cfgs X.yaml --phase train|test [--iter K] [--log_to_file]``.

Runs in one process as it is, or in several under torchrun; on the GPUs there are, else on the CPU.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import logging
import os
import os.path as osp
import sys

import torch.distributed as dist
import torch.nn as nn
from modeling import models
from utils import (
    config_loader,
    get_attr_from,
    get_ddp_module,
    get_msg_mgr,
    get_rank,
    get_world_size,
    init_seeds,
    params_count,
    runtime,
)


def initialization(cfgs, training, log_to_file=False):
    """Start the message manager and seed the generators with the rank.

    Args:
        cfgs: the whole config.
        training: training or test phase.
        log_to_file: write a log file too.
    """
    engine_cfg = cfgs["trainer_cfg" if training else "evaluator_cfg"]
    save_path = osp.join(runtime.output, cfgs["data_cfg"]["dataset_name"], cfgs["model_cfg"]["model"], engine_cfg["save_name"])
    msg_mgr = get_msg_mgr()
    if training:
        hint = engine_cfg["restore_hint"]
        msg_mgr.init_manager(save_path, log_to_file, engine_cfg["log_iter"], hint if isinstance(hint, int) else 0)
    else:
        msg_mgr.init_logger(save_path, log_to_file)
    msg_mgr.log_info(engine_cfg)
    init_seeds(get_rank())


def run_model(cfgs, training):
    """Build the model the config names and train or test it.

    Args:
        cfgs: the whole config.
        training: training or test phase.

    Returns:
        The results of a test on rank 0; None after training.
    """
    msg_mgr = get_msg_mgr()
    model_cfg, trainer_cfg = cfgs["model_cfg"], cfgs["trainer_cfg"]
    msg_mgr.log_info(model_cfg)
    Model = get_attr_from([models], model_cfg["model"])
    model = Model(cfgs, training)
    if training and trainer_cfg["sync_BN"] and get_world_size() > 1:
        if runtime.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        else:
            msg_mgr.log_warning("sync_BN: there is no SyncBatchNorm on a CPU; each process normalises its own batch.")
    if trainer_cfg["fix_BN"]:
        model.fix_BN()
    model = get_ddp_module(model, trainer_cfg["find_unused_parameters"])
    msg_mgr.log_info(params_count(model))
    return Model.run_train(model) if training else Model.run_test(model)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cfgs", required=True, help="config file (YAML)")
    parser.add_argument("--phase", default="train", choices=("train", "test"))
    parser.add_argument("--iter", default=0, type=int, help="iteration to restore (default: restore_hint)")
    parser.add_argument("--log_to_file", action="store_true", help="write a log file into <output>/.../logs too")
    opt = parser.parse_args()

    in_group = "RANK" in os.environ and "WORLD_SIZE" in os.environ  # set by torchrun
    if in_group:
        # rank 0 scores alone while the others wait: longer than torch's own 10 or 30 minutes
        patience = datetime.timedelta(days=1)
        dist.init_process_group("nccl" if runtime.device.type == "cuda" else "gloo", init_method="env://", timeout=patience)
    cfgs = config_loader(opt.cfgs)
    if opt.iter:
        for engine in ("trainer_cfg", "evaluator_cfg"):
            cfgs[engine]["restore_hint"] = opt.iter
    initialization(cfgs, opt.phase == "train", opt.log_to_file)
    run_model(cfgs, opt.phase == "train")
    if in_group:
        # Gloo's threads can outlive their group and abort the interpreter at its end ("terminate called without an active
        # exception"), which torchrun takes for a failure: leave at once, all together, with everything written.
        if get_rank() == 0 and get_msg_mgr().writer is not None:
            get_msg_mgr().writer.close()
        dist.barrier()
        gc.collect()
        dist.destroy_process_group()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
