"""Every model of OpenGait's: those that serve as backbone, with a reduced model_cfg, and those that do not, with the reason."""

from __future__ import annotations

from typing import NamedTuple


class Served(NamedTuple):
    """A backbone and what its YAML needs beside its model_cfg."""

    model_cfg: dict
    parts: int
    channels: int
    heads: tuple[str, ...] = ()  # modules that the embedding does not reach
    losses: tuple[str, ...] = ("triplet", "softmax")
    dataset: str = "walkers"  # of the teacher's YAML
    changes: dict = {}  # dotted keys
    unpacked: bool = False  # takes clips of one length alone


NECKS = {"class_num": 4}
RESNET = {"type": "ResNet9", "block": "BasicBlock", "channels": [2, 4, 4, 8], "layers": [1] * 4, "strides": [1, 2, 2, 1], "maxpool": False}
PLAIN = {"type": "Plain", "in_channels": 1, "layers_cfg": ["BC-2", "BC-2", "M", "FC-4-2", "FC-4-2", "M", "FC-8-3", "FC-8-3"]}
V2 = {"model": "DeepGaitV2", "SeparateBNNecks": NECKS}
BLOCKS = {"in_channels": 1, "layers": [1] * 4, "channels": [2, 4, 4, 8]}
GLN = {
    "model": "GLN", "class_num": 4, "in_channels": [1, 2, 4, 4], "lateral_dim": 4, "hidden_dim": 4, "dropout": 0.5,
    "bin_num": [16, 8, 4, 2, 1], "SeparateFCs": {"in_channels": 4, "out_channels": 4, "parts_num": 93},
}  # fmt: skip
SWIN = {
    "model": "SwinGait", "Backbone": {"in_channels": 1, "layers": [1] * 4, "channels": [2, 4]}, "bin_num": [15],
    "SeparateBNNecks": {"class_num": 4, "in_channels": 256, "parts_num": 16},
}  # fmt: skip
ADAMW = {"optimizer_cfg": {"solver": "AdamW", "lr": 0.0003, "weight_decay": 0.02}, "trainer_cfg__T_max_iter": 100}

SERVED = {
    "Baseline": Served(
        {
            "model": "Baseline", "backbone_cfg": RESNET, "bin_num": [16],
            "SeparateFCs": {"in_channels": 8, "out_channels": 4, "parts_num": 16},
            "SeparateBNNecks": {**NECKS, "in_channels": 4, "parts_num": 16},
        }, 16, 4, ("BNNecks",),
    ),
    "GaitSet": Served(
        {
            "model": "GaitSet", "in_channels": [1, 2, 4, 4], "bin_num": [16, 8, 4, 2, 1],
            "SeparateFCs": {"in_channels": 4, "out_channels": 6, "parts_num": 62},
        }, 62, 6, losses=("triplet",),
    ),
    "GaitPart": Served(
        {
            "model": "GaitPart", "backbone_cfg": PLAIN, "bin_num": [16],
            "SeparateFCs": {"in_channels": 8, "out_channels": 6, "parts_num": 16},
        }, 16, 6, losses=("triplet",),
    ),
    "GaitGL": Served({"model": "GaitGL", "channels": [2, 4, 4], "class_num": 4}, 64, 4, ("Head1",), unpacked=True),
    "GaitGL deep": Served({"model": "GaitGL", "channels": [2, 4, 4, 6], "class_num": 4}, 64, 6, ("Head1",), dataset="GREW", unpacked=True),
    **{f"DeepGaitV2 {mode}": Served({**V2, "Backbone": {**BLOCKS, "mode": mode}}, 16, 4, ("BNNecks",)) for mode in ("2d", "p3d", "3d")},
    "SwinGait": Served(SWIN, 15, 256, ("BNNecks",), changes=ADAMW),
    "GLN": Served({**GLN, "Lateral_pretraining": True}, 93, 4, losses=("triplet",)),
}  # fmt: skip
"""Name -> how it is tested: as teacher, Baseline-2 and MimicGait."""

SKELETONS = "that YAML's .* takes skeletons, not silhouettes"
AXES = "it takes inputs of 5 axes, where silhouettes .* have 4"
REFUSED = {
    "BigGait__Dinov2_Gaitbase": ("biggait/BigGait_CCPG.yaml", r"takes 2 inputs \(read through BaseRgbTransform, NoOperation\)"),
    "BiggerGait__DINOv2": ("biggergait/biggergait__DINOv2_CCPG.yaml", r"BaseRgbTransform: .* takes colour pictures, not silhouettes"),
    "DenoisingGait": ("denoisinggait/denoisinggait_ccpg.yaml", r"takes 2 inputs \(read through NoOperation, BaseSilTransform\)"),
    "GaitEdge": ("gaitedge/phase2_e2e.yaml", r"takes 3 inputs \(read through NoOperation, BaseRgbTransform, BaseSilTransform\)"),
    "GaitGraph1": ("gaitgraph1/gaitgraph1_phase1.yaml", rf"GaitGraph1Input: {SKELETONS}"),
    "GaitGraph2": ("gaitgraph2/gaitgraph2.yaml", rf"NormalizeEmpty: {SKELETONS}"),
    "GaitSSB_Finetune": (
        "gaitssb/finetune_gait3d.yaml",
        r"the model itself fails with this torch \(2\..*\): TypeError in gaitssb.py, line \d+: .* context manager",
    ),
    "GaitSSB_Pretrain": (
        "gaitssb/pretrain.yaml",
        r"cannot be trained on silhouettes by this loss_cfg: it unpacks 2 pieces where there is 1: .* several views",
    ),
    "GaitTR": ("gaittr/gaittr_CCPG.yaml", rf"GaitTRMultiInput: {SKELETONS}"),
    "LidarGaitPlusPlus": ("lidargaitv2/lidargaitv2_sustech1k.yaml", r"PointCloudsTransform: .* takes points, not silhouettes"),
    "MultiGaitpp": ("multigaitpp/multigaitpp_gait3d.yaml", r"asks for the key 'in_channels', which its model_cfg"),
    "MultiScaleGaitGraph": ("msgg/msgg_SUSTech1K.yaml", rf"MSGGTransform: {SKELETONS}"),
    "ParsingGait": ("parsinggait/parsinggait_gait3d_parsing.yaml", r"takes maps of body parts, not silhouettes"),
    "ScoNet": ("sconet/sconet_scoliosis1k.yaml", r"classifies those and does not identify people"),
    "Segmentation": ("gaitedge/phase1_seg.yaml", r"takes 2 inputs \(read through BaseRgbTransform, BaseSilTransform\)"),
    "SkeletonGaitPP": ("skeletongait/skeletongait++_Gait3D.yaml", AXES),
    "SMPLGait": ("smplgait/smplgait.yaml", r"takes 2 inputs \(read through BaseSilCuttingTransform, NoOperation\)"),
}
"""Class -> OpenGait's own YAML of it, and what the refusal says (a pattern)."""
UNTRIED = {
    "FoundationGait_Scaling": "its file needs the package lightly",
    "FoundationGait_Scaling_Finetune": "its file needs the package lightly",
    "FoundationGait_Scaling_LinearProbing_DGait": "its file needs the package lightly",
    "FoundationGait_Scaling_LinearProbing_RAGAR": "its file needs the package lightly",
    "FoundationGait_Scaling_LinearProbing_Scoliosis1K": "its file needs the package lightly",
    "MultiDatasets": "a base class of FoundationGait's",
}
"""Class -> why it was never tried."""
