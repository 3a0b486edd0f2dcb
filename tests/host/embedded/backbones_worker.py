"""Run by test_embedded_backbones.py in one process per host: run every case's model on the given clips, write an .npz.

Usage: python backbones_worker.py HOST_FOLDER INPUTS.pt OUT.npz, with HOST_FOLDER the one that holds modeling/, data/, utils/.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import numpy as np
import torch

folder, inputs_path, out_path = sys.argv[1:]
sys.path.insert(0, folder)
# A stand-in for modeling.models whose __init__ does not run: a real checkout's imports every model, with all they need.
models = types.ModuleType("modeling.models")
models.__path__ = [str(Path(folder) / "modeling" / "models")]
sys.modules["modeling.models"] = models

given = torch.load(inputs_path, weights_only=False)
out, states = {}, {}


def run(net, sils, seqL=None):
    """One forward; dtype and labels fitted to the clips."""
    dtype, n = next(net.parameters()).dtype, len(sils) if seqL is None else seqL.shape[1]
    return net(([sils.to(dtype)], torch.arange(n) // 2, ["-"] * n, ["-"] * n, seqL))


for name, (dataset, model_cfg) in given["cases"].items():
    module = importlib.import_module(f"modeling.models.{model_cfg['model'].lower()}")
    assert Path(module.__file__).resolve().is_relative_to(Path(folder).resolve())
    model = getattr(module, model_cfg["model"])
    net = model.__new__(model)
    torch.nn.Module.__init__(net)
    net.cfgs = {"data_cfg": {"dataset_name": dataset}}
    torch.manual_seed(0)
    net.build_network(model_cfg)
    net.init_parameters()
    if "weights" in given:
        net.load_state_dict(given["weights"][name])
    packs = model_cfg["model"] == "DeepGaitV2"
    net.train().double()  # batch statistics of few clips magnify rounding
    for form, sils, seqL in [("fixed", given["clips"], None)] + [("packed", given["packed"], given["seqL"])] * packs:
        retval = run(net, sils, seqL)
        feats = retval["training_feat"]
        embeddings, logits = feats["triplet"]["embeddings"], feats["softmax"]["logits"]
        loss = (embeddings * torch.linspace(-1, 1, embeddings.numel()).view_as(embeddings)).mean() + (logits**2).mean()
        grads = torch.autograd.grad(loss, list(net.parameters()))
        key = f"{name}, {form}, training"
        out.update({f"{key}, embeddings": embeddings, f"{key}, logits": logits, f"{key}, loss": loss})
        out[f"{key}, image"] = retval["visual_summary"]["image/sils"]
        out.update({f"{key}, gradient of {p}": grad for (p, _), grad in zip(net.named_parameters(), grads)})
    net.eval().float()
    with torch.no_grad():
        for what, sils in {"one": given["clips"][:1], **given["short"], "big": given["big"]}.items():
            retval = run(net, sils)
            out[f"{name}, {what}, eval, embeddings"] = retval["inference_feat"]["embeddings"]
            out[f"{name}, {what}, eval, logits"] = retval["training_feat"]["softmax"]["logits"]
        one_of_packed = run(net, given["clips"][:1], torch.tensor([[given["clips"].shape[1]]]))
        out[f"{name}, seqL of one, eval"] = one_of_packed["inference_feat"]["embeddings"]
        if packs:
            out[f"{name}, packed, eval"] = run(net, given["packed"], given["seqL"])["inference_feat"]["embeddings"]
    states[name] = net.state_dict()
np.savez(out_path, **{key: value.detach().numpy() for key, value in out.items()})
torch.save(states, out_path + ".pt")
