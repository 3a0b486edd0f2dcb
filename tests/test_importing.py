"""``opengait-mimic import`` on files that look like the public code's: what it writes loads strictly, what does not fit is refused."""

from __future__ import annotations

import argparse
import collections

import pytest
import torch
import torch.nn.functional as F

from opengait_mimic.config import ConfigError
from opengait_mimic.importing import import_public
from opengait_mimic.inputs import sha256
from opengait_mimic.launch import build, start_log
from opengait_mimic.preparing import prepare
from opengait_mimic.public_weights import PublicWeightsError, to_public
from opengait_mimic.training.checkpoints import CheckpointError
from tests.host_runs import good, python
from tests.variants import variant


@pytest.fixture(scope="module")
def public(trained, tmp_path_factory):
    """The tiny pipeline's mimic and VEN as the public code would have saved them."""
    folder = tmp_path_factory.mktemp("public")
    mimic, ven = (trained.models[stage].state_dict() for stage in ("MimicGait", "VEN"))
    schedule = {"milestones": collections.Counter([3, 5]), "last_epoch": 3}
    torch.save(
        {"model": to_public("mimicgait", mimic), "iteration": 3, "optimizer": {"state": {}}, "scheduler": schedule}, folder / "mimic.pt"
    )
    torch.save({f"module.{name}": value for name, value in to_public("ven", ven).items()}, folder / "ven.pth")
    return folder


def for_testing(file, out, folder):
    """The model of a configuration with an imported checkpoint, as a test builds it."""
    cfgs = prepare(variant(file, folder, evaluator_cfg__restore_hint=str(out)), "embed")
    start_log(cfgs, False, False, quiet=True)
    return build(cfgs, False)


def test_a_mimic_is_loaded_by_a_test(trained, public, tmp_path, host_spec):
    out, file = tmp_path / "ours.pt", trained.files["MimicGait"]
    words = ("--from", public / "mimic.pt", "--cfgs", file, "--out", out, "--host", host_spec)
    text = good("-m", "opengait_mimic.cli", "import", "--kind", "mimicgait", *words, cwd=tmp_path)
    for line in (
        "mimic: ",
        "mixer T: 1 tensors",
        "VEN trunk: 10 tensors",
        "zeros, ",
        "VEN.kind_head.weight",
        "0 and 255",
        "bare",
        "binarises",
    ):
        assert line in text, text
    assert "KEPT" not in text, "a mimic's heads are zeros"
    ours, loaded = trained.models["MimicGait"].state_dict(), for_testing(file, out, tmp_path).state_dict()
    for name, value in ours.items():
        if name != "_extra_state":
            assert torch.equal(loaded[name], torch.zeros_like(value) if "_head." in name else value), name
    says = torch.load(out, weights_only=True)["model"]["_extra_state"]
    assert says["role"] == "MimicGait" and says["trained_on"] is None and says["teacher_weights"] is None
    assert says["imported"]["from"] == "mimic.pt" and says["imported"]["sha256"] == sha256(public / "mimic.pt")
    assert says["imported"]["iteration"] == 3 and len(says["imported"]["notes"]) == 3
    assert not {"ven_kinds", "grey_whole", "switches"} & says.keys(), "the file does not say"


def test_a_detector_guides_a_mimic(trained, public, tmp_path):
    """Its feature and heads by hand, from the public names."""
    out, file = tmp_path / "ven.pt", trained.files["VEN"]
    with pytest.raises(ConfigError, match="reference_compat lacks input_255, kept_amount.*KEPT.*--without-heads"):
        import_public("ven", str(public / "ven.pth"), str(file), str(out))
    file = variant(file, tmp_path, model_cfg__reference_compat={"input_255": True, "kept_amount": True})
    import_public("ven", str(public / "ven.pth"), str(file), str(out))
    state = {name[7:]: value for name, value in torch.load(public / "ven.pth", weights_only=True).items()}
    frames = torch.rand(4, 64, 44)
    x = frames[:, None]
    for i, pad in ((1, 0), (2, 0), (3, 1)):
        x = F.max_pool2d(F.conv2d(x, state[f"layer{i}.0.weight"], state[f"layer{i}.0.bias"], padding=1).relu(), 2, padding=pad)
    feature = F.linear(x.mean((2, 3)), state["layer4.0.weight"], state["layer4.0.bias"]).relu()
    (tmp_path / "test").mkdir()
    ven = for_testing(file, out, tmp_path / "test").VEN
    torch.testing.assert_close(ven(frames), feature)
    kinds, amount = ven.heads(feature)
    torch.testing.assert_close(kinds, F.linear(feature, state["fc2.weight"], state["fc2.bias"]))
    torch.testing.assert_close(amount, F.linear(feature, state["fc_amount_head.weight"], state["fc_amount_head.bias"]).sigmoid()[:, 0])
    guided = variant(trained.files["MimicGait"], tmp_path, model_cfg__ven={"cfgs": str(file), "checkpoint": str(out)})
    cfgs = prepare(guided, "train")
    start_log(cfgs, True, False, quiet=True)
    assert torch.equal(build(cfgs, True).VEN.fc.weight, state["fc1.weight"])


def test_a_detector_of_other_kinds_is_refused(trained, public, tmp_path):
    kinds = {"none": 0.2, "patch": 0.4, "pole": 0.4}
    other = {"model_cfg__kinds": list(kinds), "trainer_cfg__occlusion": {"kinds": kinds}, "evaluator_cfg__occlusion": {"kinds": kinds}}
    switches = {"model_cfg__reference_compat": {"input_255": True, "kept_amount": True}}
    file = variant(trained.files["VEN"], tmp_path, **other, **switches)
    words = ("ven", str(public / "ven.pth"), str(file), str(tmp_path / "ven.pt"))
    with pytest.raises(ConfigError, match=r"kinds = \['none', 'patch', 'pole'\], but the public detector tells none, bottom, top apart"):
        import_public(*words)
    text = "\n".join(import_public(*words, without_heads=True))
    assert "0 and 255" in text and "KEPT" not in text and "class order" not in text


def test_a_mimic_that_ranks_and_sees_as_the_public_code_needs_no_note(trained, public, tmp_path):
    grey = {f"{engine}__occlusion__reference_compat": {"grey_whole": True} for engine in ("trainer_cfg", "evaluator_cfg")}
    file = variant(trained.files["MimicGait"], tmp_path, model_cfg__reference_compat={"rank": "bare"}, **grey)
    text = "\n".join(import_public("mimicgait", str(public / "mimic.pt"), str(file), str(tmp_path / "ours.pt")))
    assert "bare" not in text and "binarises" not in text


def damaged(public, folder, change):
    """The public mimic's file after a change to its tensors."""
    loaded = torch.load(public / "mimic.pt", weights_only=True)
    change(loaded["model"])
    torch.save(loaded, folder / "damaged.pt")
    return str(folder / "damaged.pt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.pop("mimic_component.FCs.fc_bin"), "mimic_component.FCs.fc_bin is missing"),
        (lambda m: m.update({"occ_mixer_fc.fc_bin": torch.zeros(2, 3)}), r"occ_mixer_fc.fc_bin is \[2, 3\], expected \[16, 128, 64\]"),
        (lambda m: m.update({"unified.fc_bin": torch.zeros(2)}), "unified.fc_bin is not a name"),
    ],
)
def test_a_damaged_checkpoint_is_refused_and_nothing_written(trained, public, tmp_path, change, message):
    file = damaged(public, tmp_path, change)
    with pytest.raises(PublicWeightsError, match=message):
        import_public("mimicgait", file, str(trained.files["MimicGait"]), str(tmp_path / "out" / "ours.pt"))
    assert not (tmp_path / "out").exists()


def test_what_is_no_checkpoint_is_refused(trained, public, tmp_path):
    (tmp_path / "text.pt").write_text("hello")
    torch.save({"model": {}, "args": argparse.Namespace(lr=0.1)}, tmp_path / "code.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    expected = {"text.pt": "no file of torch's", "code.pt": "argparse.Namespace", "list.pt": "expected an OpenGait checkpoint"}
    for name, message in expected.items():
        with pytest.raises((CheckpointError, PublicWeightsError), match=f"--from:? .*{name}.*({message})"):
            import_public("mimicgait", str(tmp_path / name), str(trained.files["MimicGait"]), str(tmp_path / "ours.pt"))
    with pytest.raises(PublicWeightsError, match="ven.pth: expected an OpenGait checkpoint with a `model` entry"):
        import_public("mimicgait", str(public / "ven.pth"), str(trained.files["MimicGait"]), str(tmp_path / "ours.pt"))


def test_the_yaml_must_be_of_the_kind_and_nothing_is_overwritten(trained, public, tmp_path, host_spec):
    with pytest.raises(ConfigError, match="--kind mimicgait needs a YAML of model: MimicGait; this one says VEN"):
        import_public("mimicgait", str(public / "mimic.pt"), str(trained.files["VEN"]), str(tmp_path / "ours.pt"))
    (tmp_path / "there.pt").write_text("mine")
    words = ("--from", public / "mimic.pt", "--cfgs", trained.files["MimicGait"], "--out", tmp_path / "there.pt", "--host", host_spec)
    done = python("-m", "opengait_mimic.cli", "import", "--kind", "mimicgait", *words, cwd=tmp_path)
    assert done.returncode == 1 and "there.pt exists" in done.stderr and (tmp_path / "there.pt").read_text() == "mine"
