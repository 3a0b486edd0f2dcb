"""``opengait-mimic table``, what is data and arithmetic: rows, figures of the paper, configurations, order, time left."""

from __future__ import annotations

import re
from functools import partial
from itertools import combinations, permutations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from scipy.stats import kendalltau

from opengait_mimic import host as hosts
from opengait_mimic.config import ConfigError
from opengait_mimic.inputs import checkpoint_at, differences, save_folder
from opengait_mimic.models import subnetwork
from opengait_mimic.preparing import prepare
from opengait_mimic.setting import teacher_cfgs
from opengait_mimic.tables.files import Job, changed
from opengait_mimic.tables.kept import Kept
from opengait_mimic.tables.measured import signed, spread
from opengait_mimic.tables.nets import BACKBONES, NETS, VENS
from opengait_mimic.tables.order import pairs, ranked
from opengait_mimic.tables.page import page
from opengait_mimic.tables.paper import PRINTED
from opengait_mimic.tables.plan import Plan
from opengait_mimic.tables.remaining import Remaining
from opengait_mimic.tables.report import orders
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
            wanted[backbone, label, data] = (part[0], part[2], part[1])
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


def cells(rank1, **more):
    """A row's cells with one figure."""
    both = {"protocol": "both", "gallery_embedder": "own", "rank1": rank1, "rank5": rank1, "rp_rank1": None}
    return [{**both, "kinds": {"top": 0.5, "bottom": 0.5}, "hidden": [0.4, 0.6], **more}]


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
def test_rows_share_data_steps_optimizer_and_what_is_hidden(host, tree, tmp_path, name, cold):
    """Data, steps, batches, optimizer, what is hidden: one for all rows of a backbone. Their start is not: see the next test."""
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


@pytest.mark.parametrize("name", ["main", "ablation", "ven"])
@pytest.mark.parametrize("cold", [False, True])
def test_pairs_of_different_starts_are_marked_and_counted_apart(host, tree, tmp_path, name, cold):
    """By the configurations themselves: whose init_mimic is true."""
    suite, backbone = SUITES[name], "gaitbase"
    plan = Plan(suite, [backbone], 0, job(tmp_path, tree, cold=cold))
    models = {plan.rows[stage.name][1]: read(stage)["model_cfg"] for stage in plan.stages if stage.name in plan.rows}
    warm = {label for label, model in models.items() if model.get("init_mimic")}
    assert bool(warm) is not cold
    measured = {(backbone, label): {0: cells(100.0 - i)} for i, label in enumerate(suite.rows)}
    lines, told = orders(name, suite, [backbone], measured, cold)
    for pair in told[0]["pairs"]:
        assert pair["other_start"] == ((pair["above"] in warm) != (pair["below"] in warm))
    same = [pair["verdict"] for pair in told[0]["pairs"] if not pair["other_start"]]
    other = [pair["verdict"] for pair in told[0]["pairs"] if pair["other_start"]]
    text = "\n".join(lines)
    for title, verdicts in (("Pairs", same), ("Pairs with another start", other)):
        (line,) = [line for line in lines if line.strip().startswith((f"{title}:", f"{title},"))] if verdicts else [None]
        if line:
            counts = [int(re.search(rf"{verdict} (\d+)", line)[1]) for verdict in ("agrees", "contradicts", "tie")]
            assert counts == [verdicts.count(verdict) for verdict in ("agrees", "contradicts", "tie")]
    assert len(re.findall("(agrees|contradicts|tie), other start: ", text)) == len(other)


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
    assert len(set(kept)) == len(kept) and len(set(results)) == len(results) and len(plan.reused) == 4


@pytest.mark.parametrize("name", SUITES)
def test_what_a_teachers_stage_tests_is_what_its_training_writes(host, tree, tmp_path, name, monkeypatch):
    """The weights that `evaluate` would read for it against those of its own configuration; every row divides by its own teacher."""
    monkeypatch.setattr(subnetwork, "checkpoint_file", partial(subnetwork.checkpoint_file, must_exist=False))
    plan = Plan(SUITES[name], list(BACKBONES), 0, job(tmp_path, tree))  # any backbone may be asked for
    teachers = {stage.result: stage for stage in plan.stages if stage.teacher_of}
    assert len(teachers) == len(BACKBONES) * (2 if name == "compat" else 1)
    for stage in teachers.values():
        cfgs = prepare(stage.train, "train")
        tested = teacher_cfgs(prepare(stage.teacher_of, "embed"))[0]
        assert Path(tested["evaluator_cfg"]["restore_hint"]) == checkpoint_at(cfgs, cfgs["trainer_cfg"]["total_iter"])
        assert tested["model_cfg"] == cfgs["model_cfg"]
        assert tested["evaluator_cfg"]["transform"] == cfgs["evaluator_cfg"]["transform"], "of the size it was trained on"
    files = {stage.train.name for stage in teachers.values()}
    for stage in plan.stages:
        if stage not in teachers.values() and (backbone := read(stage)["model_cfg"].get("backbone")):
            assert backbone["cfgs"] in files, stage.name


def test_smoke_runs_and_real_ones_share_no_name(host, tree, tmp_path):
    real, smoke = (Plan(SUITES["ven"], ["gaitbase"], 0, job(tmp_path, tree, smoke=smoke)).stages for smoke in (False, True))
    for what in (lambda stage: stage.train, lambda stage: stage.result, lambda stage: save_folder(prepare(stage.train, "train"))):
        assert not set(map(what, real)) & set(map(what, smoke))


def test_a_row_knows_its_switches_whoever_tested_it(host, tree, tmp_path):
    """Results of earlier versions name none."""
    plan, kept = Plan(SUITES["compat"], ["gaitbase"], 0, job(tmp_path, tree)), Kept()
    for stage in plan.stages:
        if stage.name in plan.rows:
            kept.add(plan, stage, {"losses": None, "seconds": [1, 1], "rows": cells(1.0)})
    key = "evaluator_cfg.occlusion.reference_compat.shared_draw"
    found = {label: rows[0][0].get("reference_compat", {}).get(key) for (_, label), rows in kept.measured.items()}
    assert found["D2 shared_draw in the test"] == {"processes": 8, "test_batch": 16} and found["default"] is None
    assert found["D2 every subject shares"] == {"processes": 1, "test_batch": 12}


NAMES_OF_FINISHED_RUNS = {  # what earlier versions trained and tested stays theirs
    "GaitBase MiCKD (vanilla mimic)": ("MimicGait-table-vanilla-seed0", "mimicgait_gaitbase_walkers-vanilla.json"),
    "GaitBase No KD (Baseline-2)": ("Baseline2-table-seed0", "baseline2_gaitbase_walkers.json"),
    "GaitBase teacher": ("GaitBase-table-seed0", "baseline1_gaitbase_walkers.json"),
}


def test_save_names_are_those_of_earlier_versions(host, tree, tmp_path):
    found = {stage.name: stage for stage in Plan(SUITES["ablation"], ["gaitbase"], 0, job(tmp_path, tree)).stages}
    for title, (save, result) in NAMES_OF_FINISHED_RUNS.items():
        assert (read(found[title])["trainer_cfg"]["save_name"], found[title].result.name) == (save, result)


@pytest.mark.parametrize(("network", "share"), [("shared", 1 / 9), ("shared-subject", 1)])
def test_how_many_probes_share_their_draw_with_a_gallery_clip(tmp_path, network, share):
    """On walkers as shipped, in the order of the test list; and GREW's two sequences a subject."""
    from opengait_mimic.occlusion import Groups
    from opengait_mimic.walkers import write_walkers

    groups = Groups(**next(iter(NETS[network].changes.values())))
    folder = write_walkers(tmp_path, subjects=4, train=2, frames=2)
    clips = [path.relative_to(folder.root).parts for label in folder.test for path in sorted((Path(folder.root) / label).glob("*/*"))]
    assert len(clips) == 2 * 12
    gallery = {(groups.of(i, False), label) for i, (label, kind, _) in enumerate(clips) if kind == "nm-01"}
    probes = [(groups.of(i, False), label) for i, (label, kind, _) in enumerate(clips) if kind != "nm-01"]
    assert sum(probe in gallery for probe in probes) / len(probes) == pytest.approx(share)
    if network == "shared":  # GREW: 01 and 02 of a subject are neighbours
        assert all(groups.of(i, False) == groups.of(i + 1, False) for i in range(0, 100, 2))


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
    assert ranked({"a": 12.31, "b": 12.34}, 1) == "b 12.34 > a 12.31", "unequal figures look unequal"
    assert ranked({"a": 12.341, "b": 12.344}, 2) == "b 12.344 > a 12.341" and ranked({}, 2) == ""


def test_a_difference_of_nothing_has_no_minus():
    assert signed(-0.001, 2) == "+0.00" and signed(-0.04, 1) == "+0.0" and signed(-0.06, 1) == "-0.1"
    assert spread([0.1, -0.1 - 1e-12], 1, "+") == "+0.0 ± 0.1"


def test_rows_of_unequal_seeds_are_ranked_over_those_they_share():
    """Seed 1 alone would put b first."""
    suite = SUITES["ven"]
    one, other, third = list(suite.rows)[:3]
    measured = {("gaitbase", one): {0: cells(10.0), 1: cells(20.0), 2: cells(90.0)}, ("gaitbase", other): {0: cells(15.0), 1: cells(16.0)}}
    lines, told = orders("ven", suite, ["gaitbase"], measured)
    assert lines[0] == f"GaitBase, here (over seeds all have: 0, 1): {other} 15.50 > {one} 15.00"
    assert told[0]["here"] == {one: 15.0, other: 15.5}
    measured["gaitbase", third] = {7: cells(1.0)}
    assert orders("ven", suite, ["gaitbase"], measured)[0][0] == "GaitBase, here (over seeds all have: none): nothing to put in order yet"


FACTS = {"seeds": [0, 1], "start": "shipped", "smoke": False, "training": {"steps": {500: ["GaitBase a"]}, "batch_size": [8, 4]}}


def text_of(name, backbones, measured, dataset="walkers"):
    facts = {**FACTS, "data": {"dataset": dataset}}
    return page(name, SUITES[name], backbones, measured, facts, sum(map(len, measured.values())))[0]


@pytest.mark.parametrize(
    ("name", "dataset", "said"),
    [("ven", "walkers", "OTHER DATA: walkers here, GREW in the paper. Only"), ("ven", "GREW", "OTHER SIZE: small networks, 500 steps here"),
     ("main", "Gait3D", "OTHER DATA: Gait3D here, GREW in the paper.\nOTHER SIZE: small networks, 500 steps here")],
)  # fmt: skip
def test_a_page_says_why_no_figure_is_the_papers(name, dataset, said):
    text = text_of(name, ["gaitbase"], {}, dataset)
    assert said in text and text.count("Only orders can be compared") == 1 and ("OTHER DATA" in text) == ("OTHER DATA" in said)


def test_a_page_says_which_rows_hid_the_same():
    """By kinds, shares and the switches of the test; those of the training are another matter."""
    shared = {"evaluator_cfg.occlusion.reference_compat.shared_draw": {"processes": 8, "test_batch": 16}}
    trained = {"trainer_cfg.occlusion.reference_compat.moving": "published"}
    rows = {"default": {}, "D2 shared_draw in the test": {"reference_compat": shared}, "D14 live_teacher": {"reference_compat": trained}}
    text = text_of("compat", ["gaitbase"], {("gaitbase", label): {0: cells(1.0, **more)} for label, more in rows.items()})
    lines = text[text.index("Test: ") :].splitlines()
    same, other = "  top 0.5, bottom 0.5; 40-60 % hidden: ", "  top 0.5, bottom 0.5; 40-60 % hidden; shared_draw "
    assert lines[-2] == same + "default, D14 live_teacher"
    assert lines[-1] == other + "{'processes': 8, 'test_batch': 16}: D2 shared_draw in the test"
    assert "The spread covers the seeds of training and occlusion; the silhouettes are the same for all." in " ".join(text.split())


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
