"""The names of the public code's weights and ours, by hand-written lists; no copy of that code is needed."""

from __future__ import annotations

import pytest
import torch

from opengait_mimic.public_weights import PublicWeightsError, convert, to_public
from opengait_mimic.visibility import VisibilityNetwork

VEN = {f"VEN.{name}": value for name, value in VisibilityNetwork().state_dict().items()}
BACKBONE = {  # a few of each model's names, public -> ours
    "mimic_component.Backbone.forward_block.conv1.conv.weight": "Mimic.Backbone.forward_block.conv1.conv.weight",
    "mimic_component.Backbone.forward_block.bn1.running_var": "Mimic.Backbone.forward_block.bn1.running_var",
    "mimic_component.FCs.fc_bin": "Mimic.FCs.fc_bin",
    "mimic_component.GLConvA0.0.global_conv3d.conv3d.weight": "Mimic.GLConvA0.0.global_conv3d.conv3d.weight",
    "mimic_component.HPP.p": "Mimic.HPP.p",
    "occ_mixer_fc.fc_bin": "Mixer.fc_bin",
}
DETECTOR = {
    "layer1.0.weight": "trunk.0.weight",
    "layer2.0.weight": "trunk.3.weight",
    "layer3.0.bias": "trunk.6.bias",
    "fc1.weight": "fc.weight",
    "layer4.0.weight": "fc.weight",
}
HEADS = {
    "fc2.weight": "kind_head.weight",
    "classification_head.0.weight": "kind_head.weight",
    "fc_amount_head.bias": "amount_head.bias",
    "layer_amount.0.bias": "amount_head.bias",
}


def public_ven(prefix: str = "") -> dict:
    """The detector's state dict as its training saves it."""
    return {prefix + name: value for name, value in to_public("ven", VEN).items() if not name.startswith("layer5")}


def public_mimic() -> dict:
    names = {
        f"occ_detector.{name}": value
        for name, value in public_ven().items()
        if name.startswith(("layer1", "layer2", "layer3", "layer4", "fc1"))
    }
    return {**{name: torch.full((2,), float(i)) for i, name in enumerate(BACKBONE)}, **names}


def own_mimic() -> dict:
    return {**{name: torch.zeros(2) for name in BACKBONE.values()}, **VEN, "_extra_state": {"role": "MimicGait"}}


def test_every_name_of_a_mimic_has_its_place():
    found = convert("mimicgait", {**public_mimic(), "full_component.FCs.fc_bin": torch.ones(9)}, own_mimic())
    for public, ours in BACKBONE.items():
        assert torch.equal(found.state[ours], public_mimic()[public])
    for public, ours in DETECTOR.items():
        assert torch.equal(found.state[f"VEN.{ours}"], public_mimic()[f"occ_detector.{public}"])
    assert set(found.state) == set(own_mimic()) - {"_extra_state"}
    assert found.zeroed == ["VEN.amount_head.bias", "VEN.amount_head.weight", "VEN.kind_head.bias", "VEN.kind_head.weight"]
    assert not any(found.state[name].any() for name in found.zeroed)
    assert [names for reason, names in found.dropped.items() if "teacher" in reason] == [["full_component.FCs.fc_bin"]]
    assert {group: len(names) for group, names in found.groups.items()} == {"mimic": 5, "mixer T": 1, "VEN trunk": 10}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_name_of_a_detector_has_its_place(prefix):
    found = convert("ven", public_ven(prefix), VEN)
    for public, ours in {**DETECTOR, **HEADS}.items():
        assert torch.equal(found.state[f"VEN.{ours}"], public_ven()[public])
    assert set(found.state) == set(VEN) and not found.dropped and not found.zeroed
    assert all(torch.equal(found.state[name], VEN[name]) for name in VEN)


def test_heads_that_do_not_fit_are_left_out_only_when_asked():
    nine = {**public_ven(), "fc2.weight": torch.ones(9, 64), "classification_head.0.weight": torch.ones(9, 64)}
    with pytest.raises(PublicWeightsError, match=r"fc2.weight is \[9, 64\], expected \[3, 64\] \(VEN.kind_head.weight\)"):
        convert("ven", nine, VEN)
    found = convert("ven", nine, VEN, without_heads=True)
    assert not found.state["VEN.kind_head.weight"].any() and "fc2.weight" in found.dropped["a head of the detector, left out as asked"]
    amount_only = {name: value for name, value in VEN.items() if "kind_head" not in name}
    found = convert("ven", public_ven(), amount_only)
    assert set(found.state) == set(amount_only)
    assert len(found.dropped["a head that the YAML's VEN does not have"]) == 4


def test_an_identity_head_goes_where_the_yaml_has_one():
    head = {"BNNecks.fc_bin": torch.ones(3)}
    assert list(convert("mimicgait", {**public_mimic(), **head}, own_mimic()).dropped.values()) == [["BNNecks.fc_bin"]]
    found = convert("mimicgait", {**public_mimic(), **head}, {**own_mimic(), "BNNecks.fc_bin": torch.zeros(3)})
    assert found.state["BNNecks.fc_bin"].all() and not found.dropped


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mimic_component.FCs.fc_bin": None}, r"mimic_component.FCs.fc_bin is missing \(Mimic.FCs.fc_bin\)"),
        ({"occ_detector.fc1.bias": None, "occ_detector.layer4.0.bias": None}, r"occ_detector.fc1.bias or occ_\w+.layer4.0.bias is missing"),
        ({"occ_mixer_fc.fc_bin": torch.zeros(3)}, r"occ_mixer_fc.fc_bin is \[3\], expected \[2\] \(Mixer.fc_bin\)"),
        ({"occ_mixer_fc.fc_bin": "a word"}, "occ_mixer_fc.fc_bin is a str, expected"),
        ({"mimic_component.FCs.more": torch.zeros(2)}, "mimic_component.FCs.more would be Mimic.FCs.more, which is not part of the model"),
        ({"visible_component.FCs.fc_bin": torch.zeros(2)}, "visible_component.FCs.fc_bin is not a name of the public code's mimicgait"),
        ({"occ_detector.layer4.0.bias": torch.zeros(64)}, "layer4.0.bias differs from the other tensor that is our VEN.fc.bias"),
        ({"occ_detector.layer3_1.0.weight": torch.zeros(2)}, "occ_detector.layer3_1.0.weight: the public code's deep detector"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(change, message):
    given = {name: value for name, value in {**public_mimic(), **change}.items() if value is not None}
    with pytest.raises(PublicWeightsError, match=message):
        convert("mimicgait", given, own_mimic())


def test_an_occlusion_aware_network_has_its_place():
    aware = {"Backbone.forward_block.bn1.bias": torch.ones(2), "FCs.fc_bin": torch.ones(2), "BNNecks.bn1d.weight": torch.ones(2)}
    rest = {name: value for name, value in public_mimic().items() if name.startswith("occ_")}
    own = {name: value for name, value in own_mimic().items() if name.startswith(("VEN", "Mixer"))}
    own.update({f"Backbone.{name}": torch.zeros(2) for name in aware if "BNNecks" not in name})
    found = convert("occlusionaware", {**aware, **rest}, own)
    assert found.state["Backbone.FCs.fc_bin"].all() and found.state["Backbone.Backbone.forward_block.bn1.bias"].all()
    assert set(found.state) == set(own) and list(found.dropped.values()) == [["BNNecks.bn1d.weight"]]
    with pytest.raises(PublicWeightsError, match="Bn.weight: this GaitGL ranks the fused embedding after its BatchNorm head"):
        convert("occlusionaware", {**aware, **rest, "Bn.weight": torch.ones(2)}, {**own, "Backbone.Bn.weight": torch.ones(2)})


def test_all_problems_are_told_at_once():
    given = public_mimic()
    del given["mimic_component.HPP.p"]
    given["occ_mixer_fc.fc_bin"] = torch.zeros(3)
    with pytest.raises(PublicWeightsError, match=r"(?s)occ_mixer_fc.fc_bin is \[3\].*HPP.p is missing"):
        convert("mimicgait", given, own_mimic())


def test_our_names_and_back():
    ours = {name: value for name, value in own_mimic().items() if name != "_extra_state"}
    back = convert("mimicgait", to_public("mimicgait", ours), own_mimic()).state
    assert all(torch.equal(back[name], value) for name, value in ours.items() if "_head" not in name)
