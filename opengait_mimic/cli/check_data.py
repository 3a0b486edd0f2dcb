"""``opengait-mimic check data``: what the command line and a configuration ask, and what it prints."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path

from ..base.errors import ConfigError, HostError


def run(args) -> int:
    """Check; 0 = pass, 1 = fail, 2 = it could not be checked (a wrong argument, no such folder)."""
    from ..base.progress import Bar
    from ..data.check import check_data, read_partition
    from ..data.check_report import WIDTH, format_report, judge, write_json

    try:
        expected, root, file = _read_cfgs(args)
        partition = None if file is None else read_partition(file)
        if not os.path.isdir(root):
            there = "a file; give the folder that holds the identities" if os.path.exists(root) else "no such folder"
            raise ConfigError(f"--root {root}: {there}")
        workers = min(os.cpu_count() or 1, 16) if args.workers is None else args.workers
        if workers < 1:
            raise ConfigError(f"--workers {workers}: processes that read, 1 or more")
        with Bar("check data") as bar:
            sequences, problems = check_data(root, partition, expected, workers, bar)
        print("\n".join([*format_report(root, sequences, problems), ""]))
        if not sequences or any(problem.kind == "unreadable" for problem in problems):
            print("fingerprint: none, as there is nothing here, or not all of it can be read")
        else:
            print(_write_fingerprints(root, partition, args.fingerprint))
        if args.json:
            write_json(args.json, root, sequences, problems)
    except (ConfigError, HostError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    passed, verdict = judge(problems)
    print("\n".join(textwrap.wrap(verdict, WIDTH, subsequent_indent="      ")))
    return 0 if passed else 1


def _write_fingerprints(root: str, partition: dict | None, file: str | None) -> str:
    """Write the fingerprints where a file is named; returns the line to print."""
    from ..data.fingerprint import data_fingerprint, fingerprint_half

    if partition is None:
        found = {"all": data_fingerprint(root, sorted(entry.name for entry in os.scandir(root) if entry.is_dir()))}
    else:
        found = {half: fingerprint_half(root, partition, half) for half in ("TRAIN_SET", "TEST_SET")}
    if file is not None:
        Path(file).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return "fingerprint: " + ", ".join(f"{name} {value[:23]}..." for name, value in found.items()) + (f", in {file}" if file else "")


PLACEHOLDER = "your_path"


def _read_cfgs(args):
    """What the configuration asks of the data, the root and the partition's file; the command line's come first."""
    if args.cfgs is None:
        if args.root is None:
            raise ConfigError("check data needs --root DIR, or --cfgs YAML with data_cfg.dataset_root")
        return None, args.root, args.partition
    from .. import host as hosts

    hosts.bind(args.host, "cpu")
    cfgs = hosts.load_cfgs(args.cfgs)
    data, root, partition = cfgs["data_cfg"], args.root, args.partition
    if not isinstance(data, dict):
        raise ConfigError("data_cfg: several data sets at once: check each with --root and --partition")
    if root is None:
        if data["dataset_root"] == PLACEHOLDER:
            raise ConfigError(f"{args.cfgs}: data_cfg.dataset_root = {PLACEHOLDER}: set it, or give --root DIR")
        root = str(hosts.resolve(str(data["dataset_root"]), f"{args.cfgs}: data_cfg.dataset_root"))
    if partition is None and data["dataset_partition"] != PLACEHOLDER:
        partition = str(hosts.resolve(str(data["dataset_partition"]), f"{args.cfgs}: data_cfg.dataset_partition"))
    return _read_expected(cfgs), root, partition


def _read_expected(cfgs: dict):
    """What a complete configuration asks of the data."""
    from ..data.check import Expected
    from ..host.config_checks import check_names
    from ..host.data_layout import expected_transforms
    from ..host.test_checks import DEFAULT_EVALUATOR, test_set_name
    from ..metrics.protocols import CROSS_VIEW_GALLERY, EVALUATORS_BY_LIST, PROTOCOLS

    check_names(cfgs, True)
    data, evaluator, sampler = cfgs["data_cfg"], cfgs["evaluator_cfg"], cfgs["trainer_cfg"]["sampler"]
    scorer = evaluator.get("eval_func", DEFAULT_EVALUATOR)
    rule = (CROSS_VIEW_GALLERY if evaluator.get("cross_view_gallery") else PROTOCOLS).get(test_set_name(cfgs))
    if scorer in EVALUATORS_BY_LIST:
        rule = PROTOCOLS[EVALUATORS_BY_LIST[scorer]]
    return Expected(
        expected_transforms(cfgs),
        use=data.get("data_in_use"),
        geometry=cfgs["model_cfg"].get("geometry"),
        batch=tuple(sampler["batch_size"]) if sampler["type"] == "TripletSampler" else None,
        sides=rule and rule.masks,
        by_list=rule.by_list if rule else "",
    )
