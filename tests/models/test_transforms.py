"""What the YAML files that a model of ours names were made for: silhouettes, or a refusal that says what else."""

from __future__ import annotations

import inspect
import sys
import warnings as floats

import numpy as np
import pytest

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.host import load_cfgs
from opengait_mimic.host.transform_inputs import OTHERS, SILHOUETTES
from opengait_mimic.models.prepare import prepare
from tests.models.roles import built
from tests.variants import variant

EITHER = {  # OpenGait's classes that take silhouettes and other things alike
    *("FlipSequence", "NoOperation", "RandomAffine", "RandomErasing", "RandomHorizontalFlip", "RandomPartBlur", "RandomPartDilate"),
    *("RandomPerspective", "RandomRotate", "RandomSelectSequence", "Rearrange", "SelectSequenceCenter", "TwoView", "Compose"),
}


def told(cfgs, file="its.yaml"):
    """The refusal of a YAML, or the line for the log, or None."""
    from opengait_mimic.models.silhouette_inputs import refuse_others

    try:
        return refuse_others(cfgs, "model_cfg.backbone", file)
    except ConfigError as error:
        return f"refused: {error}"


def makes_silhouettes(block) -> bool:
    """By trying: silhouettes stay ones of 64 rows in 0..1, and a map of body parts does not come through as it is."""
    from data.transform import get_transform

    filled, labels = np.zeros((4, 64, 64), np.uint8), np.zeros((4, 64, 64), np.uint8)
    filled[:, 8:60, 24:40], labels[:, 8:60, 24:40] = 255, np.arange(16) % 12
    try:
        with np.errstate(all="ignore"), floats.catch_warnings(action="ignore"):
            seen, map_ = (np.asarray(get_transform(block)(given.copy())) for given in (filled, labels))
    except Exception:
        return False
    return seen.ndim == 3 and seen.shape[:2] == (4, 64) and seen.min() == 0 and seen.max() == 1 and map_.max() < 1


def test_every_yaml_of_opengaits_passes_or_is_refused_as_its_transforms_behave(checkout, host):
    if host.name != "opengait":
        pytest.skip("the embedded host has the silhouettes' transforms alone")
    found = {True: [], False: []}
    for file in sorted((checkout / "configs").rglob("*.yaml")):
        cfgs = load_cfgs(file)
        blocks, said = cfgs["evaluator_cfg"]["transform"], told(cfgs, str(file))
        expected = len(blocks) == 1 and makes_silhouettes(blocks[0])
        assert (said is None) == expected, (file, said)
        assert expected or (said.startswith("refused: model_cfg.backbone") and " Choose " in said), said
        found[expected].append(file.stem)
        if not expected and len(blocks) == 1:
            assert f"model_cfg.backbone.cfgs = {file}: evaluator_cfg.transform[0]" in said, said
    parsing = {name for name in found[False] if name.endswith(("_parsing", "_parsing_btz32x2_fixed"))}
    assert len(parsing) == 8 and not any("parsing" in name for name in found[True])
    kept = {
        "gaitbase_da_gait3d",
        "gaitset",
        "gaitpart",
        "gaitgl",
        "DeepGaitV2_gait3d",
        "swingait3D_B1442C2_Gait3D",
        "gln_phase1",
        "pretrain",
    }
    assert kept <= set(found[True]) and len(found[True]) > 50 and len(found[False]) > 30


def test_every_transform_of_the_host_is_known(host):
    """One that OpenGait gains shows up here: enter it in opengait_mimic/transforms.py, or above."""
    module = sys.modules["data.transform"]
    there = {
        name for name, value in vars(module).items() if inspect.isclass(value) and value.__module__ == module.__name__ and name[0] != "_"
    }
    assert set(SILHOUETTES) <= there <= {*SILHOUETTES, *OTHERS, *EITHER}, there - {*SILHOUETTES, *OTHERS, *EITHER}


PARSING = [{"type": "BaseParsingCuttingTransform"}]
COLOURS = [{"type": "Compose", "trf_cfg": [{"type": "RandomHorizontalFlip"}, {"type": "BaseRgbTransform"}]}]


@pytest.mark.parametrize(
    ("stage", "role"), [("Baseline-2", "backbone"), ("MimicGait", "backbone"), ("MimicGait", "teacher"), ("MimicGait", "ven")]
)
@pytest.mark.parametrize(
    ("engine", "block", "at", "what"),
    [
        ("evaluator_cfg", PARSING, r"transform\[0\]\.type = BaseParsingCuttingTransform", "maps of body parts"),
        ("trainer_cfg", COLOURS, r"transform\[0\]\.trf_cfg\[1\]\.type = BaseRgbTransform", "colour pictures"),
    ],
)
def test_a_yaml_of_another_input_is_refused_before_anything_is_built(files, tmp_path, stage, role, engine, block, at, what):
    (tmp_path / "its").mkdir()
    its = variant(files["VEN" if role == "ven" else "GaitBase (teacher)"], tmp_path / "its", **{f"{engine}__transform": block})
    file = variant(files[stage], tmp_path, **{f"model_cfg__{role}__cfgs": str(its)})
    named = "VEN" if role == "ven" else "Baseline"
    said = rf"model_cfg\.{role}\.cfgs = {its}: {engine}\.{at}: that YAML's {named} takes {what}, not silhouettes\. Choose"
    with pytest.raises(ConfigError, match=said):
        prepare(file, "train")


def test_several_inputs_are_refused_there_too(files, tmp_path):
    (tmp_path / "its").mkdir()
    two = [{"type": "BaseSilCuttingTransform"}, {"type": "NoOperation"}]
    its = variant(files["GaitBase (teacher)"], tmp_path / "its", evaluator_cfg__transform=two)
    with pytest.raises(ConfigError, match=r"model_cfg\.teacher: Baseline takes 2 inputs .*not silhouettes alone"):
        prepare(variant(files["MimicGait"], tmp_path, model_cfg__teacher__cfgs=str(its)), "train")


class MyResize:
    """A user's own transform."""

    def __init__(self, size=64): ...


@pytest.mark.parametrize("stage", ["Baseline-2", "MimicGait"])
def test_a_users_own_transform_is_accepted_with_a_word(files, trained, tmp_path, monkeypatch, stage):
    """Where another one of that YAML takes silhouettes, without."""
    from utils import get_msg_mgr

    module, lines = sys.modules["data.transform"], []
    monkeypatch.setattr(module, "MyResize", MyResize, raising=False)
    monkeypatch.setattr(get_msg_mgr(), "log_warning", lambda text: lines.append(str(text)), raising=False)
    (tmp_path / "its").mkdir()
    mine = [{"type": "MyResize"}]
    for changes, said in (
        ({"evaluator_cfg__transform": mine, "trainer_cfg__transform": mine}, 1),
        ({"trainer_cfg__transform": mine}, 0),
    ):
        its, lines[:] = variant(files["GaitBase (teacher)"], tmp_path / "its", **changes), []
        built(variant(files[stage], tmp_path, model_cfg__backbone__cfgs=str(its), trainer_cfg__save_name="own-transform"))
        found = [line for line in lines if "transforms" in line and "do not tell" in line]
        assert len(found) == said, lines
        if said:
            assert found == [
                f"model_cfg.backbone.cfgs = {its}: whether it is for silhouettes is not checked: its transforms (MyResize) do not tell"
            ]


def test_a_class_of_a_known_one_is_known_by_it(host, monkeypatch):
    module = sys.modules["data.transform"]
    base = getattr(module, "BaseParsingCuttingTransform", None) or type("BaseParsingCuttingTransform", (), {})
    monkeypatch.setattr(module, "MyMaps", type("MyMaps", (base,), {}), raising=False)
    monkeypatch.setattr(module, "MySil", type("MySil", (module.BaseSilTransform,), {}), raising=False)
    for name, refused in (("MyMaps", True), ("MySil", False)):
        cfgs = {engine: {"transform": [{"type": name}]} for engine in ("evaluator_cfg", "trainer_cfg")}
        said = told({**cfgs, "model_cfg": {"model": "Baseline"}})
        assert said is None if not refused else "MyMaps: that YAML's Baseline takes maps of body parts" in said
