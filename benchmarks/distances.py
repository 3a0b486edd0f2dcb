"""Which distance lets the mimic learn? Trains MimicGait with each `MiCKDLoss` distance on the walkers of a finished demo.

    opengait-mimic demo --out demo
    python benchmarks/distances.py --demo demo            # warm start, as the demo
    python benchmarks/distances.py --demo demo --cold     # from random weights

Everything but the distance (data, teacher, VEN, seed, draws, steps) is the demo's; one seed, so differences of about 2 points
are noise (80 test subjects, 720 probes). A distance whose file is there already is not trained again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import yaml
from measure import machine

from opengait_mimic import host as hosts
from opengait_mimic.evaluation.evaluate import evaluate, write_json
from opengait_mimic.losses import DISTANCES
from opengait_mimic.training.launch import launch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--demo", required=True, help="the folder of a finished `opengait-mimic demo`")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cold", action="store_true", help="init_mimic: false")
    parser.add_argument("--host", default=None)
    given = parser.parse_args()
    demo = Path(given.demo).resolve()
    host = hosts.bind(given.host, "auto", demo / "output")
    source = demo / "configs" / f"seed{given.seed}" / "mimicgait_gaitbase_walkers.yaml"
    start = "cold" if given.cold else "warm"
    print(f"host {host.name}, {start} start; Rank-1 in percent\ndistance   meets margin  active at the end  holistic  probe  both")
    for distance in DISTANCES:
        kept = demo / "distances" / f"{distance}-{start}-seed{given.seed}.json"
        if not kept.is_file():
            _train(source, distance, not given.cold, kept)
        found = json.loads(kept.read_text())
        rank1 = {row["occluded_side"]: row["rank1"] for row in found["rows"] if row["gallery_embedder"] == "own"}
        print(
            f"{distance:<11}{100 * found['teacher_meets_margin']:10.1f} %{100 * found['active']:17.1f} %"
            f"{rank1['holistic']:10.1f}{rank1['probe']:7.1f}{rank1['both']:6.1f}"
        )


def _train(source: Path, distance: str, warm: bool, kept: Path) -> None:
    cfgs = yaml.safe_load(source.read_text())
    cfgs["loss_cfg"][0]["distance"] = distance
    cfgs["model_cfg"]["init_mimic"] = warm
    for engine in ("trainer_cfg", "evaluator_cfg"):
        cfgs[engine]["save_name"] = kept.stem
    file = source.with_name(f"distance-{kept.stem}.yaml")
    file.write_text(yaml.safe_dump(cfgs, sort_keys=False))
    seen: list[dict] = []

    def watch(model):
        model.loss_aggregator.register_forward_hook(lambda _, __, result: seen.append(dict(result[1])))

    launch(file, "train", quiet=True, before=watch)
    last = seen[-len(seen) // 10 :]
    facts = {
        key: sum(float(s[f"scalar/mickd/{key}"]) for s in part) / len(part)
        for key, part in (("active", last), ("teacher_meets_margin", seen))
    }
    host = hosts.current()
    write_json(kept, evaluate(file, quiet=True), **facts, machine=machine(hosts.device(), f"{host.name} {host.commit}"))


if __name__ == "__main__":
    main()
