"""What tests/training/test_process_count.py trains and tests: backbones, methods, steps, and the YAML files of three steps."""

from __future__ import annotations

TEACHER, CUT = "GaitBase (teacher)", [{"type": "BaseSilCuttingTransform"}]
BACKBONES = {
    "Baseline": None,  # the demo's own small GaitBase
    "GaitGL": {"model": "GaitGL", "channels": [4, 8, 8], "class_num": 8},
    "DeepGaitV2": {
        "model": "DeepGaitV2",
        "Backbone": {"in_channels": 1, "mode": "p3d", "layers": [1, 1, 1, 1], "channels": [4, 8, 8, 16]},
        "SeparateBNNecks": {"class_num": 8},
    },
}
METHODS = ("Baseline-1", "Baseline-2", "OcclusionAware", "MimicGait")
TESTS = {TEACHER: "GaitBase", "VEN": "VEN", "MimicGait": "MimicGait"}
SHARED = {"all": True, "shared_draw": {"processes": 4, "test_batch": 12}}
HIDDEN = {"kinds": {"patch": 0.4, "pole": 0.4, "top": 0.2}}
PUBLISHED = {
    "trainer_cfg__occlusion": HIDDEN,
    "evaluator_cfg__occlusion": {**HIDDEN, "occluded_side": "both"},
    "model_cfg__reference_compat": SHARED,
}
STEPS = [
    *(
        (stage, sampling, norm)
        for stage in ("MimicGait", "Baseline-2")
        for sampling in ("fixed", "packed")
        for norm in ("gathered", "eval")
    ),
    ("MimicGait", "packed", "published"),
    ("VEN", "fixed", "gathered"),  # packed, each process's mean over its own frames counts alike: not the mean over all frames
]


def checkpoint(output, model, name, iteration=3):
    return output / f"walkers/{model}/{name}/checkpoints/{name}-{iteration:05d}.pt"


def three_steps(stages, backbone, output):
    """Every method on a backbone: name -> YAML."""
    block, name = BACKBONES[backbone], f"three-{backbone}"
    change = {} if block is None else {"model_cfg": block}
    files = {"Baseline-1": stages(TEACHER, name, trainer_cfg__log_iter=1, **change)}
    inline = {} if block is None else {"model_cfg__backbone": block}
    files["Baseline-2"] = stages("Baseline-2", name, trainer_cfg__log_iter=1, **inline)
    aware = {"model": "OcclusionAware", "backbone": block or {"cfgs": str(files["Baseline-1"])}, "SeparateBNNecks": {"class_num": 8}}
    aware["ven"] = {"cfgs": str(stages("VEN", "VEN-seed0")), "checkpoint": str(checkpoint(output, "VEN", "VEN-seed0"))}
    files["OcclusionAware"] = stages("Baseline-2", name, trainer_cfg__log_iter=1, model_cfg=aware)
    teacher = {"model_cfg__teacher": {"cfgs": str(files["Baseline-1"]), "checkpoint": str(checkpoint(output, backbone, name))}}
    files["MimicGait"] = stages("MimicGait", name, trainer_cfg__log_iter=1, **teacher, **inline)
    return {(backbone, method): file for method, file in files.items()}
