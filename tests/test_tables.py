"""``opengait-mimic table``, what is data and arithmetic: rows, figures of the paper, configurations, order, time left."""

from __future__ import annotations

from itertools import combinations, permutations, product
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from scipy.stats import kendalltau

from opengait_mimic import host as hosts
from opengait_mimic.config import ConfigError
from opengait_mimic.inputs import differences
from opengait_mimic.launch import prepare
from opengait_mimic.tables.files import Job, changed
from opengait_mimic.tables.nets import BACKBONES, NETS, VENS
from opengait_mimic.tables.order import pairs, ranked
from opengait_mimic.tables.paper import PRINTED
from opengait_mimic.tables.plan import Plan
from opengait_mimic.tables.remaining import Remaining
from opengait_mimic.tables.run import chosen
from opengait_mimic.tables.suites import SUITES

# Table 1 as printed: Gait3D Rank-1 (RP), Rank-5 (RP), GREW Rank-1 (RP), Rank-5 (RP)
TABLE_1 = """
GaitBase|Baseline-1|7.6 (0.11) 15.71 (0.19) 14.85 (0.27) 25.55 (0.35)
GaitBase|Baseline-2|17.12 (0.24) 31.43 (0.37) 16.42 (0.30) 30.38 (0.42)
GaitBase|Occlusion Aware|18.22 (0.26) 34.94 (0.41) 22.55 (0.41) 37.95 (0.53)
GaitBase|MimicGait|22.72 (0.32) 40.84 (0.48) 28.38 (0.51) 45.43 (0.63)
GaitGL|Baseline-1|3.00 (0.11) 6.70 (0.15) 3.60 (0.10) 6.90 (0.13)
GaitGL|Baseline-2|4.4 (0.16) 9.71 (0.22) 6.3 (0.17) 11.92 (0.22)
GaitGL|Occlusion Aware|4.8 (0.18) 12.7 (0.29) 7.05 (0.19) 12.72 (0.24)
GaitGL|MimicGait|5.6 (0.21) 13.5 (0.31) 7.53 (0.21) 13.97 (0.26)
DeepGaitV2|Baseline-1|2.20 (0.03) 6.21 (0.07) 3.72 (0.05) 6.85 (0.08)
DeepGaitV2|Baseline-2|6.71 (0.09) 14.21 (0.16) 9.65 (0.13) 16.20 (0.19)
DeepGaitV2|Occlusion Aware|14.01 (0.18) 27.83 (0.32) 13.38 (0.18) 22.87 (0.27)
DeepGaitV2|MimicGait|16.82 (0.22) 33.03 (0.38) 14.38 (0.20) 24.93 (0.29)
"""
TABLES_3_4 = {
    "ablation": "16.42 30.38 20.43 35.95 25.75 42.2 20.22 34.93",  # none, L2, MiCKD, MiCKD + XE
    "ven": "16.42 30.38 22.55 37.95 23.52 39.68 25.75 42.2 27.52 44.15 28.38 45.43",
}


def test_table_1_is_the_paper_s():
    wanted = {}
    for line in TABLE_1.split("\n")[1:-1]:
        backbone, label, numbers = line.split("|")
        values = [float(word.strip("()")) for word in numbers.split()]
        for data, part in (("Gait3D", values[:4]), ("GREW", values[4:])):
            wanted[backbone, label, data] = (part[0], part[2], part[1], part[3])
    found = {
        (backbone, label, data): tuple(figure)
        for (suite, backbone), tables in PRINTED.items()
        if suite == "main"
        for data, rows in tables.items()
        for label, figure in rows.items()
    }
    assert found == wanted


@pytest.mark.parametrize("suite", TABLES_3_4)
def test_tables_3_and_4_are_the_paper_s(suite):
    rows = PRINTED[suite, "GaitBase"]["GREW"].values()
    assert [number for figure in rows for number in figure[:2]] == [float(word) for word in TABLES_3_4[suite].split()]


def test_every_row_has_its_figures_and_every_network_its_configuration():
    for (name, backbone), tables in PRINTED.items():
        assert backbone in [BACKBONES[each] for each in SUITES[name].backbones]
        assert all(list(rows) == list(SUITES[name].rows) for rows in tables.values())
    for suite in SUITES.values():
        for net in suite.rows.values():
            for backbone in suite.backbones:
                assert (hosts.CONFIGS / NETS[net].shipped / f"{NETS[net].shipped}_{backbone}_walkers.yaml").is_file()
            assert NETS[net].ven is None or NETS[net].ven in VENS


def job(tmp_path, tree, **more):
    data = {"dataset_root": str(tree.root), "dataset_partition": str(tree.partition)}
    return Job(tmp_path, {**data, "dataset_name": "walkers", "test_dataset_name": "walkers"}, len(tree.train), **more)


def read(stage):
    return yaml.safe_load(stage.train.read_text())


@pytest.mark.parametrize("name", SUITES)
def test_every_configuration_of_a_suite_is_one_that_runs(host, tree, tmp_path, name):
    """Read strictly, every name looked up."""
    plan = Plan(SUITES[name], list(SUITES[name].backbones), 3, job(tmp_path, tree))
    assert set(plan.rows) <= {stage.name for stage in plan.stages}
    assert len(plan.rows) == len(SUITES[name].rows) * len(SUITES[name].backbones)
    for stage in plan.stages:
        cfgs = prepare(stage.train, "train")
        assert cfgs["trainer_cfg"]["seed"] == 3 and cfgs["data_cfg"]["dataset_root"] == str(tree.root)


HIDDEN = [
    {"kinds": {"none": 0.2, "top": 0.4, "bottom": 0.4}, "hidden": [0.4, 0.6]},
    {"kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], "protocol": "both", "seed": 0},
]


@pytest.mark.parametrize("name", ["main", "ablation", "ven"])
@pytest.mark.parametrize("cold", [False, True])
def test_rows_differ_in_the_method_alone(host, tree, tmp_path, name, cold):
    """Data, steps, batches, optimizer, what is hidden: one for all rows of a backbone; every mimic starts alike."""
    for backbone in SUITES[name].backbones:
        plan = Plan(SUITES[name], [backbone], 0, job(tmp_path, tree, cold=cold))
        found = [read(stage) for stage in plan.stages if not stage.name.startswith("VEN")]
        for cfgs in found:
            for engine in ("trainer_cfg", "evaluator_cfg"):
                cfgs[engine].pop("save_name")
            hidden = [cfgs[engine].pop("occlusion", None) for engine in ("trainer_cfg", "evaluator_cfg")]
            whole = cfgs["model_cfg"]["model"] in ("Baseline", "GaitGL", "DeepGaitV2")
            assert hidden == ([None, None] if whole else HIDDEN)
            for block in ("data_cfg", "trainer_cfg", "evaluator_cfg", "optimizer_cfg", "scheduler_cfg"):
                assert differences(found[0][block], cfgs[block]) == [], (backbone, block)
        mimics = [cfgs["model_cfg"]["init_mimic"] for cfgs in found if cfgs["model_cfg"]["model"] == "MimicGait"]
        assert mimics and set(mimics) == {not cold}


@pytest.mark.parametrize("name", sorted(name for name, net in NETS.items() if net.changes))
def test_changes_land_and_nothing_else_does(host, tree, tmp_path, name):
    """A network's configuration against the shipped one's: the dotted keys of its changes, the names it is kept under, its VEN."""
    net, files = NETS[name], Plan(SUITES["ven"], ["gaitbase"], 0, job(tmp_path, tree)).files
    shipped, found = (yaml.safe_load(files.net(each, "gaitbase").read_text()) for each in (net.shipped, name))
    for dotted, value in net.changes.items():
        at = found
        for key in dotted.split("."):
            at = at[int(key) if key.isdigit() else key]
        assert at == ({"class_num": len(tree.train)} if dotted.endswith("SeparateBNNecks") else value)
    allowed = (*net.changes, "trainer_cfg.save_name", "evaluator_cfg.save_name", "model_cfg.ven.cfgs", "model_cfg.teacher.cfgs")
    allowed += ("model_cfg.backbone.cfgs",) if net.teacher != "baseline1" else ()
    for line in differences(shipped, found):
        key = line.split(": ")[0].replace("[", ".").replace("]", "")
        assert any(key == each or key.startswith(f"{each}.") or each.startswith(f"{key}.") for each in allowed), line


TICKS = {  # Table 4's columns: mimic, classification, regression
    "Baseline-2": (False, False, False),
    "Occlusion Aware": (False, True, False),
    "VEN": (False, True, True),
    "Vanilla mimic": (True, False, False),
    "Mimic + Occlusion Aware": (True, True, False),
    "Mimic + VEN": (True, True, True),
}


def test_the_rows_of_table_4_have_its_ticks(host, tree, tmp_path):
    plan, found = Plan(SUITES["ven"], ["gaitbase"], 0, job(tmp_path, tree)), {}
    for stage in plan.stages:
        if stage.name in plan.rows:
            model = read(stage)["model_cfg"]
            ven = model.get("ven") and yaml.safe_load((stage.train.parent / model["ven"]["cfgs"]).read_text())
            losses = [loss["type"] for loss in ven["loss_cfg"]] if ven else []
            assert not ven or ("HiddenFractionLoss" in losses) == ven["model_cfg"]["amount"]
            ticks = model["model"] == "MimicGait", "CrossEntropyLoss" in losses, "HiddenFractionLoss" in losses
            found[plan.rows[stage.name][1]] = ticks
    assert found == TICKS


def test_compat_has_a_row_for_every_switch():
    from opengait_mimic.compat import SWITCHES

    nets = [NETS[name] for name in SUITES["compat"].rows.values()]
    changes = [key for net in nets for key in (*net.changes, *VENS[net.ven])]
    for switch in SWITCHES:
        assert any(key.endswith(f".reference_compat.{switch.name}") for key in changes), switch.name
    assert set(SUITES["compat"].bases.values()) < set(SUITES["compat"].rows)


def test_a_network_that_is_only_tested_keeps_the_weights_of_another(host, tree, tmp_path):
    plan = Plan(SUITES["compat"], ["gaitbase"], 0, job(tmp_path, tree))
    cfgs = {stage.name: read(stage) for stage in plan.stages}
    names = [stage.name for stage in plan.stages]
    for title in plan.reused:
        net = NETS[plan.rows[title][2]]
        base = next(stage for stage, (_, _, name) in plan.rows.items() if name == net.weights)
        assert cfgs[title]["trainer_cfg"]["save_name"] == cfgs[base]["trainer_cfg"]["save_name"]
        assert names.index(base) < names.index(title)
    kept = [each["trainer_cfg"]["save_name"] for title, each in cfgs.items() if title not in plan.reused]
    results = [stage.result for stage in plan.stages]
    assert len(set(kept)) == len(kept) and len(set(results)) == len(results) and len(plan.reused) == 3


def test_dotted_keys_are_set_through_lists_and_missing_blocks():
    cfgs = {"a": [{"b": 1}, {"c": None}], "d": None}
    changed(cfgs, {"a.1.c.e": 2, "d.f": [3], "a.0.b": None})
    assert cfgs == {"a": [{"b": None}, {"c": {"e": 2}}], "d": {"f": [3]}}


ORDERS = [*product(permutations(range(3)), product(range(3), repeat=3)), *product([(2, 0, 3, 1)], product(range(4), repeat=4))]


def test_pairs_are_counted_as_kendall_counts_them():
    """Kendall's tau-c is 2 (agreeing - contradicting) m / (n^2 (m - 1)), m the number of different values; every order of few rows."""
    for paper, here in ORDERS:
        found = [pair.verdict for pair in pairs(dict(zip("abcd", paper)), {label: {0: value} for label, value in zip("abcd", here)})]
        n, m, ties = len(paper), len(set(here)), sum(one == other for one, other in combinations(here, 2))
        assert found.count("tie") == ties and len(found) == n * (n - 1) // 2
        balance = 0 if m == 1 else kendalltau(paper, here, variant="c").statistic * n**2 * (m - 1) / m / 2
        assert found.count("agrees") - found.count("contradicts") == round(balance), (paper, here)


def test_a_pair_is_paired_over_its_seeds():
    """Differences -1, 0 and -2; sd of them 1; the mean -1 is within one sd. Seed 7 has one row alone."""
    (pair,) = pairs({"a": 9.0, "b": 4.0}, {"a": {0: 10.0, 1: 20.0, 2: 30.0}, "b": {0: 11.0, 1: 20.0, 2: 32.0, 7: 99.0}})
    assert (pair.above, pair.below, pair.paper, pair.here) == ("a", "b", 5.0, -1.0)
    assert pair.sd == pytest.approx(1.0) and pair.verdict == "contradicts" and pair.within
    (clear,) = pairs({"a": 9.0, "b": 4.0}, {"a": {0: 5.0, 1: 5.5}, "b": {0: 1.0, 1: 1.0}})
    assert clear.verdict == "agrees" and not clear.within and clear.sd == pytest.approx(np.std([4, 4.5], ddof=1))
    (one,) = pairs({"a": 9.0, "b": 4.0}, {"a": {0: 5.0}, "b": {0: 5.0}})
    assert one.verdict == "tie" and one.sd is None and one.within is None
    assert pairs({"a": 9.0, "b": 9.0}, {"a": {0: 5.0}, "b": {0: 1.0}}) == [], "equal in the paper: no order to contradict"
    assert pairs({"a": 9.0, "b": 4.0}, {"a": {0: 5.0}}) == []


def test_an_order_is_read_from_left_to_right():
    assert ranked({"a": 1.0, "b": 3.25, "c": 1.0}, 1) == "b 3.2 > a 1.0 = c 1.0"


def test_time_left_is_what_alike_stages_took():
    left = Remaining([(seed, name) for seed in (0, 1) for name in ("GaitBase a", "GaitBase b", "VEN", "GaitGL a")])
    assert left.seconds() is None and str(left) == ""
    left.done(0, "GaitBase a", 10)
    left.done(0, "VEN", 4)
    assert left.seconds() == 10 + 7 + (10 + 10 + 4 + 7), "b as its backbone, GaitGL as the mean, seed 1 as seed 0"
    for seed, name in list(left.left):
        left.done(seed, name, 1)
    assert left.seconds() == 0 and str(left) == ""


def words(**more):
    return SimpleNamespace(**{"suite": "main", "backbones": None, "only": None, "seeds": "0", **more})


def test_the_command_line_chooses():
    suite, backbones, seeds = chosen(words(seeds="0-2,7,1", backbones="gaitgl,gaitbase", only=["MimicGait"]))
    assert list(suite.rows) == ["MimicGait"] and backbones == ["gaitgl", "gaitbase"] and seeds == [0, 1, 2, 7]
    assert chosen(words())[1] == ["gaitbase", "gaitgl", "deepgaitv2"]
    only = chosen(words(suite="compat", only=["D4 shared_draw in the test", "five kinds"]))[0]
    assert only.bases == {"D4 shared_draw in the test": "five kinds"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"backbones": "gaitset"}, "--backbones gaitset: known are gaitbase"), ({"only": ["x"]}, "--only 'x': the rows of main are"),
     ({"seeds": "a"}, "--seeds a: expected"), ({"seeds": "2-0"}, "holds nothing"), ({"seeds": ""}, "expected")],
)  # fmt: skip
def test_words_that_are_none_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        chosen(words(**wrong))
