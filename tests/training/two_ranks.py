"""Run by test_two_processes.py under torchrun: HOST OUTPUT RESULTS, then a YAML of every stage."""

from __future__ import annotations

import sys

import torch

from opengait_mimic import host as hosts
from opengait_mimic.base.processes import rank_and_world
from tests.training.faults import FAULTS, equal, loop, met, model_of, same, state_of

host, output, results, *files = sys.argv[1:]
hosts.bind(host, "cpu", output)
rank = rank_and_world()[0]

from utils import get_msg_mgr  # noqa: E402


def batches_of(file):
    """Two of four batches again, by a loader that starts there; and the clips of each."""
    through, restarted = met(model_of(file), 4), met(model_of(file, first=2, workers=2), 2)
    return {"again": equal(through[2:], restarted), "clips": [raw[1:4] for raw, *_ in through]}


def guarded(file):
    """A run whose second batch goes wrong on process 1 alone, in every way; against the host's own steps without that batch."""
    oracle, found = model_of(file, guarded=False), {}
    loop(oracle, 3, without=(1,))
    for fault, put in FAULTS.items():
        model, said = model_of(file), []
        manager = get_msg_mgr()
        usual, manager.log_warning = manager.log_warning, said.append
        if rank == 1:
            put(model, at=(1,))
        steps = loop(model, 3)
        manager.log_warning = usual
        clips = [text for text in said if "is skipped" in text]
        found[fault] = {"steps": steps, "same": same(state_of(model), state_of(oracle)), "said": clips}
    return {"faults": found, "state": state_of(oracle)}


found = {file: {"batches": batches_of(file), **guarded(file)} for file in files}
torch.save(found, f"{results}/rank{rank}.pt")
hosts.leave()
