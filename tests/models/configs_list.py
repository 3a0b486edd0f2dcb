"""The configurations we ship, and in which keys two of one family may differ."""

from __future__ import annotations

BACKBONES = ("gaitbase", "gaitgl", "deepgaitv2")
METHODS = ("baseline1", "baseline2", "occlusionaware", "mimicgait")
MAIN = ("gait3d", "grew")
OTHERS = ("casiab", "oumvlp", "sustech1k", "ccpg")  # GaitBase alone
SEVERAL_FILES = ("sustech1k", "ccpg")  # a sequence has, of which data_in_use takes the aligned silhouettes
SETS = {
    "walkers": "walkers", "gait3d": "Gait3D", "grew": "GREW", "casiab": "CASIA-B", "oumvlp": "OUMVLP", "sustech1k": "SUSTech1K",
    "ccpg": "CCPG",
}  # fmt: skip
EXTRA = (  # a teacher and VENs that others are built on
    "baseline1/baseline1_gaitbase_sustech1k",
    "ven/ven_grew_fivekinds",
    "ven/ven_grew_64x64",
    "ven/ven_gait3d_classes",
    "ven/ven_grew_classes",
    *(f"ven/ven_{data}_wide" for data in (*MAIN, "walkers")),
)

RGGAIT = ("gaitbase_gait3d", "gaitbase_grew", "deepgaitv2_gait3d", "deepgaitv2_grew", *(f"{backbone}_walkers" for backbone in BACKBONES))

CONFIGURATIONS = {
    *(f"rggait/rggait_{key}" for key in RGGAIT),
    *(f"{method}/{method}_{backbone}_{data}" for method in METHODS for backbone in BACKBONES for data in (*MAIN, "walkers")),
    *(f"mimicgait/mimicgait_gaitbase_{data}" for data in OTHERS),
    *(f"mimicgait/mimicgait_gaitbase_grew_{kind}" for kind in ("middle", "dynamic", "fivekinds")),
    *(f"mimicgait/mimicgait_gaitbase_{data}_64x64" for data in MAIN),
    *(f"ven/ven_{data}" for data in SETS),
    *EXTRA,
}
"""Below ``configs/``, without ``.yaml``."""

TEACHERS_OF_OPENGAIT = {
    "configs/gaitbase/gaitbase_da_casiab.yaml",
    "configs/gaitbase/gaitbase_oumvlp.yaml",
    "configs/gaitbase/gaitbase_ccpg.yaml",
}
"""What our files name in an OpenGait checkout."""

VEN_OF_OTHER_DATA = {"mimicgait/mimicgait_gaitbase_gait3d_64x64"}
"""Guided by a VEN that GREW trained, as published."""

NAME = "trainer_cfg.save_name evaluator_cfg.save_name "
LENGTH = "trainer_cfg.total_iter evaluator_cfg.restore_hint "
DATA = "data_cfg.dataset_name data_cfg.dataset_partition data_cfg.test_dataset_name "
BUILT_ON = "model_cfg.backbone.cfgs model_cfg.teacher.cfgs model_cfg.ven.cfgs "
DRAWN = "trainer_cfg.occlusion.kinds evaluator_cfg.occlusion.kinds "
FRAMES = "trainer_cfg.sampler.frames_num_max trainer_cfg.sampler.frames_num_min "
BATCH = "trainer_cfg.sampler.batch_size "
MILESTONES = "scheduler_cfg.milestones "

# from Baseline-1 of the same backbone and data
BASELINE2 = NAME + "model_cfg trainer_cfg.occlusion evaluator_cfg.occlusion"
# from Baseline-2
MIMIC = NAME + "loss_cfg model_cfg.model model_cfg.teacher model_cfg.ven model_cfg.init_mimic model_cfg.reference_compat "
AWARE = NAME + "model_cfg.model model_cfg.ven model_cfg.SeparateBNNecks model_cfg.fused_channels "
RG = NAME + "model_cfg.model model_cfg.teacher model_cfg.ven model_cfg.SeparateBNNecks model_cfg.aware model_cfg.adaptive model_cfg.head "
RG += "model_cfg.init_twin model_cfg.max_alpha_on_whole trainer_cfg.occlusion.kinds trainer_cfg.occlusion.hidden "
RG_OF_ITS_OWN = {  # the public code's
    "gaitbase_gait3d": "optimizer_cfg.lr ",
    "gaitbase_grew": "optimizer_cfg.lr ",
    "deepgaitv2_gait3d": "optimizer_cfg.lr trainer_cfg.sampler.frames_skip_num " + BATCH,
    "deepgaitv2_grew": "optimizer_cfg.lr trainer_cfg.sampler.frames_skip_num ",
}
AWARE_OF_ITS_OWN = {  # Adam and the public iterations
    "gaitbase_gait3d": LENGTH + "optimizer_cfg",
    "gaitbase_grew": LENGTH + MILESTONES + "optimizer_cfg trainer_cfg.save_iter",
}
OF_ITS_OWN = {  # where the public code trains the mimic otherwise than its backbone
    "gaitbase_gait3d": FRAMES + LENGTH,
    "gaitbase_grew": LENGTH + "optimizer_cfg.lr",
    "gaitgl_gait3d": BATCH,
}
TO_GREW = {  # from Gait3D to GREW: Baseline-1 and Baseline-2; the backbone's own classes apart
    "gaitbase": FRAMES,
    "gaitgl": "loss_cfg trainer_cfg.save_iter ",
    "deepgaitv2": "",
}
CLASSES = {
    "gaitbase": "model_cfg.SeparateBNNecks.class_num",
    "gaitgl": "model_cfg.class_num model_cfg.channels",
    "deepgaitv2": "model_cfg.SeparateBNNecks.class_num",
}
GREW = DATA + MILESTONES + "evaluator_cfg.eval_func "


def differences() -> list[tuple[str, str, str]]:
    """Two configurations, and the dotted keys (or blocks) in which they differ: in these all, and in no other."""
    found = []
    for backbone in BACKBONES:
        for data in (*MAIN, "walkers"):
            key = f"{backbone}_{data}"
            found.append((f"baseline1/baseline1_{key}", f"baseline2/baseline2_{key}", BASELINE2))
            found.append((f"baseline2/baseline2_{key}", f"occlusionaware/occlusionaware_{key}", AWARE + AWARE_OF_ITS_OWN.get(key, "")))
            found.append((f"baseline2/baseline2_{key}", f"mimicgait/mimicgait_{key}", MIMIC + OF_ITS_OWN.get(key, "")))
            if key in RGGAIT:
                found.append((f"baseline2/baseline2_{key}", f"rggait/rggait_{key}", RG + RG_OF_ITS_OWN.get(key, "")))
        ends, own = (f"{backbone}_gait3d", f"{backbone}_grew"), TO_GREW[backbone]
        found.append((*(f"baseline1/baseline1_{end}" for end in ends), GREW + LENGTH + own + CLASSES[backbone]))
        found.append((*(f"baseline2/baseline2_{end}" for end in ends), GREW + LENGTH + own + "model_cfg.backbone.cfgs"))
        mimics = {"gaitbase": "optimizer_cfg.lr", "gaitgl": LENGTH + BATCH + "trainer_cfg.save_iter", "deepgaitv2": LENGTH}[backbone]
        found.append((*(f"mimicgait/mimicgait_{end}" for end in ends), GREW + BUILT_ON + mimics))
    for data in (*MAIN, "walkers"):
        found.append((f"ven/ven_{data}", f"ven/ven_{data}_wide", NAME + "trainer_cfg.occlusion.hidden evaluator_cfg.occlusion.hidden"))
    for data in MAIN:
        found.append((f"ven/ven_{data}", f"ven/ven_{data}_classes", NAME + "model_cfg.amount loss_cfg"))
    for data in ("grew", *OTHERS):
        found.append(("ven/ven_gait3d", f"ven/ven_{data}", DATA + ("data_cfg.data_in_use" if data in SEVERAL_FILES else "")))
    for data in OTHERS:
        own = DATA + BUILT_ON.replace("model_cfg.backbone.cfgs", "model_cfg.backbone") + "evaluator_cfg.eval_func trainer_cfg.sampler "
        own += "trainer_cfg.save_iter " if data == "sustech1k" else "trainer_cfg.transform "
        own += LENGTH + (MILESTONES if data in ("oumvlp", "sustech1k") else "")
        own += "data_cfg.data_in_use" if data in SEVERAL_FILES else ""
        found.append(("mimicgait/mimicgait_gaitbase_gait3d", f"mimicgait/mimicgait_gaitbase_{data}", own))
    five = NAME + DRAWN + "model_cfg.ven.cfgs "
    again = "trainer_cfg.restore_hint trainer_cfg.optimizer_reset trainer_cfg.scheduler_reset " + LENGTH + MILESTONES
    for kind, more in (("middle", again), ("dynamic", again), ("fivekinds", "")):
        found.append(("mimicgait/mimicgait_gaitbase_grew", f"mimicgait/mimicgait_gaitbase_grew_{kind}", five + more))
    for data in MAIN:
        seen = NAME + "model_cfg.geometry model_cfg.reference_compat trainer_cfg.transform evaluator_cfg.transform "
        if data == "grew":
            found.append(("ven/ven_grew", "ven/ven_grew_64x64", seen))
        mimic = seen + "loss_cfg model_cfg.ven.cfgs trainer_cfg.occlusion.kinds "
        found.append((f"mimicgait/mimicgait_gaitbase_{data}", f"mimicgait/mimicgait_gaitbase_{data}_64x64", mimic))
    found.append(("ven/ven_grew", "ven/ven_grew_fivekinds", NAME + DRAWN + "model_cfg.kinds"))
    return found
