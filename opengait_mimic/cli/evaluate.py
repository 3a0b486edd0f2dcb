"""Score a model on whole and occluded bodies.

Prints Rank-k, mAP and RP with its 95 % interval. Embeddings are cached per condition. Runs under torchrun as well.
"""

import argparse

from ..base.resume_words import TEST
from .arguments import RenamedOption, add_host_arguments, add_iter_argument, answer_other_words

EXAMPLE = "opengait-mimic evaluate --cfgs configs/mimicgait/mimicgait_gaitbase_gait3d.yaml --preset paper-table1 --out results/mimicgait"


def add_arguments(parser) -> None:
    """Add the options."""
    from ..evaluation.cells import PRESETS

    parser.add_argument("--cfgs", required=True, metavar="YAML", help="configuration of any model, ours or OpenGait's (= Baseline-1)")
    add_iter_argument(parser, TEST, "checkpoint iteration (default: evaluator_cfg.restore_hint)")
    cells = parser.add_mutually_exclusive_group()
    cells.add_argument("--preset", choices=list(PRESETS), help="what to hide, on which side (default: evaluator_cfg.occlusion)")
    cells.add_argument("--cells", metavar="YAML", help="a file of your own cells instead of a preset")
    parser.add_argument("--seeds", metavar="LIST", help="occlusion seeds, such as 0-9 or 0,3 (default: evaluator_cfg.occlusion.seed)")
    parser.add_argument("--reference", metavar="RESULT", help="result with the whole-body row of the backbone's teacher, for RP")
    parser.add_argument("--out", metavar="DIR", help="write a result folder for `report`")
    parser.add_argument("--json", metavar="FILE", help="write rows, summary and origin")
    parser.add_argument("--split", metavar="FILE", help="probes and galleries of a data set without a protocol here (JSON or YAML)")
    parser.add_argument("--protocol", action=RenamedOption, const="--split", help=argparse.SUPPRESS)
    parser.add_argument("--pairs", metavar="JSON", help="pairs for verification (default: every probe against the gallery)")
    parser.add_argument("--save-manifest", metavar="JSON", help="write what was hidden of every sequence")
    parser.add_argument("--manifest", metavar="JSON", help="hide what this file lists instead of drawing")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write cached embeddings")
    parser.add_argument("--batch", type=int, metavar="N", help="sequences at a time per process (default: 16 if the model allows)")
    add_host_arguments(parser)
    answer_other_words(parser, TEST, "--resume")


def run(args) -> int:
    """Run it."""
    from ..evaluation.evaluate import run

    return run(args)
