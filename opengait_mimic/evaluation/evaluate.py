"""Evaluate any model whole and occluded: embed the test set once per condition and score every cell from these embeddings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable

import numpy as np

from .. import host as hosts
from ..base.errors import ConfigError
from ..base.files import sha256, write_json
from ..base.processes import on_rank_0, rank_and_world
from ..base.progress import rank_bar
from ..base.seeds import read_seeds
from ..host import resolve
from ..metrics import Trials, transductive_mark
from ..metrics.protocols import pairs_hash, protocol_hash
from ..occlusion.manifest import write as write_manifest
from ..training.trained_kinds import trained_kinds
from .cells import TEACHER
from .console_table import format_rows
from .embedding_plan import EmbeddingPlan
from .embeddings import fingerprint_test_data
from .evaluation_setup import Request, TestSetup, read_setup, select_cells
from .method_names import hash_backbone, name_method
from .provenance import describe_origin
from .reference_result import Reference, read_reference
from .result import Result, check_writable, write_result
from .result_clips import render_clips
from .result_rows import drop_curves
from .rp_reference import refuse_other_network, tested_checkpoint
from .score import Scorer


def evaluate(path: str | os.PathLike | dict, *more, **named) -> list[dict]:
    """Score one configuration in the cells of its own condition; arguments and errors as `measure`.

    Cells: ``holistic``, ``probe`` and ``both`` with the method's own gallery; for a distilled model also ``probe`` with a gallery
    embedded by its teacher.

    Returns:
        Rows of `opengait_mimic.evaluation.result_rows.make_row`, without curves; an empty list on ranks above 0.
    """
    result = measure(path, *more, **named)
    return [] if result is None else [drop_curves(row) for row in result.rows]


def measure(
    path: str | os.PathLike | dict,
    iteration: int = 0,
    reference: str | os.PathLike | None = None,
    quiet: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
    request: Request | None = None,
    as_teacher: bool = False,
) -> Result | None:
    """Score one configuration in every cell of a request.

    The model embeds the test set once on whole bodies and once for each condition and seed. The backbone's whole-body network (Baseline-1)
    embeds whole bodies, which give HP, and hidden galleries that a cell asks of it. If it is not the network that trained a distilled
    model, that model's RP and teacher's gallery are left out, with a warning.

    Args:
        path: the YAML of any silhouette model, ours or the host's own (= Baseline-1); or its complete configuration.
        iteration: of the checkpoint; 0 = the YAML's ``restore_hint``.
        reference: a result with the backbone's whole-body row; RP then divides by that row.
        quiet: only warnings on the console.
        progress: called with the number of sequences embedded and in total.
        request: None = the defaults of `Request`.
        as_teacher: the configuration is one of `reference_cfgs`; see `opengait_mimic.training.launch.build`.

    Returns:
        The result; None on ranks above 0. If HP is unknown, RP is None with ``rp_reason``. ``reference_compat`` of a row names the switches
        that were on: in training as the checkpoint states them, in the test as the YAML does.

    Raises:
        HostError, ConfigError, CheckpointError: see `prepare`, `read_cells` and `read_reference`; before anything is embedded.
    """
    request = request or Request()
    setup = read_setup(path, iteration, quiet, request, as_teacher)
    cells, left_out = select_cells(setup, request.cells)
    seeds = request.seeds or [setup.base["seed"]]
    facts = on_rank_0(lambda: _collect_facts(setup, request, seeds))
    earlier = None if reference is None else read_reference(resolve(str(reference), "--reference"), facts)
    if earlier is not None:
        on_rank_0(lambda: refuse_other_network(setup, earlier))
    teacher = setup.reference if earlier is None or any(cell.gallery_embedder == TEACHER for cell in cells) else None
    plan = EmbeddingPlan(setup, cells, seeds, teacher, request, progress)
    scorer = Scorer(cells, seeds, plan.embed_by_teacher(), facts["metric"], request.post, request.curves, hosts.device())
    for job, done in plan.embed_by_method():
        scorer.score_pass(job, done, setup.split)
    if rank_and_world()[0] > 0:
        return None
    if request.save_manifest:
        write_manifest(request.save_manifest, plan.build_manifest(scorer.passes))
    facts["hp_network"] = _name_hp_network(setup, earlier, reference)
    rows, summary, trials = scorer.rows(facts, *_select_hp(setup, scorer, earlier), plan.hidden_by)
    measured = {key: value for key, value in facts.items() if key not in ("post", "transductive", "mates_only", "hp_network")}
    measured["occlusion"] = {job[0].name: plan.block(job) for job in reversed(plan.own) if job}  # the first seed's block stays
    measured.update(preset=request.cells and Path(request.cells).name, left_out=left_out)
    measured.update(manifest=plan.manifest_hash, saved_manifest=request.save_manifest and sha256(request.save_manifest))
    provenance = describe_origin(setup, earlier, None if isinstance(path, dict) else path, measured)
    pictures = render_clips(scorer.pictures(plan.block), plan.frames) if request.pictures else {}
    return Result(rows, summary, provenance, trials, scorer.names, scorer.hidden, pictures)


def _select_hp(setup: TestSetup, scorer: Scorer, earlier: Reference | None) -> tuple[dict | None, Trials | None, str]:
    """The numbers and trials that RP divides by; None, with the reason."""
    if earlier is not None:
        if earlier.trials is not None and not np.array_equal(earlier.trials.probe, scorer.whole.trials.probe):
            raise ConfigError("--reference: its trials.npz is of other probes than this test; evaluate that configuration again")
        return earlier.row, earlier.trials, ""
    scored = scorer.whole if setup.method == "Baseline-1" else scorer.hp
    return (None, None, setup.reason) if scored is None else (scored.numbers, scored.trials, "")


def _name_hp_network(setup: TestSetup, earlier: Reference | None, reference) -> str | None:
    """The network whose whole-body score is HP: its backbone, and its checkpoint or the result that is its source; None = no HP."""
    if earlier is not None:
        return earlier.row.get("hp_network") or f"{earlier.row['backbone']} ({reference})"
    tested = setup.cfgs if setup.method == "Baseline-1" else setup.reference
    return None if tested is None else f"{name_method(tested)[1]} ({tested_checkpoint(tested).name})"


def _collect_facts(setup: TestSetup, request: Request, seeds: list[int]) -> dict:
    """What every row states; see `opengait_mimic.evaluation.result_rows.make_row`."""
    return {
        "method": setup.method,
        "backbone": setup.backbone,
        "dataset": setup.dataset,
        "backbone_cfg": hash_backbone(setup.cfgs),
        "protocol_name": setup.protocol.name,
        "protocol_hash": protocol_hash(setup.protocol),
        "pairs": pairs_hash(getattr(setup.pairs or setup.protocol, "pairs", ())),
        "metric": setup.cfgs["evaluator_cfg"].get("metric", "euc"),
        "data": fingerprint_test_data(setup.cfgs),
        "seeds": seeds,
        "post": request.post,
        "transductive": transductive_mark(request.post),
        "trained_kinds": trained_kinds(setup.cfgs, tested_checkpoint(setup.cfgs)),
        "mates_only": getattr(setup.protocol, "mates_only", False),
    }


def run(args) -> int:
    """``opengait-mimic evaluate`` with a parsed command line."""
    seeds = None if args.seeds is None else read_seeds(args.seeds)
    hosts.bind(args.host, args.device, args.output)
    request = Request(
        args.preset or args.cells, seeds, args.split, args.pairs, args.manifest, args.save_manifest,
        args.batch, not args.no_cache, curves=bool(args.out or args.json), pictures=bool(args.out),
    )  # fmt: skip
    check_writable(out=args.out, json=args.json, save_manifest=args.save_manifest)
    with rank_bar("evaluate") as bar:
        result = measure(args.cfgs, args.iter, args.reference, progress=bar, request=request)
    if result is None:  # a rank above 0
        return 0
    print(format_rows(result.rows, result.summary))
    if args.json:
        write_json(Path(args.json), result.content())
        print(f"written: {args.json}")
    if args.out:
        write_result(Path(args.out), result)
        print(f"written: {args.out}")
    return 0
