"""Train and test a method, with the teacher and the VEN it needs.

Stages that are done are kept, a stopped training goes on from its last checkpoint. Runs under torchrun as well.
"""

import argparse

from ..base.resume_words import PIPELINE
from .arguments import RenamedOption, add_host_arguments, add_preflight_argument, answer_other_words

EXAMPLE = "opengait-mimic pipeline --cfgs configs/mimicgait/mimicgait_gaitbase_gait3d.yaml --host /path/to/OpenGait"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("--cfgs", required=True, metavar="YAML", help="configuration of the method, or of any OpenGait model")
    parser.add_argument("--split", metavar="FILE", help="probes and galleries of a data set without a protocol here (JSON or YAML)")
    parser.add_argument("--protocol", action=RenamedOption, const="--split", help=argparse.SUPPRESS)
    parser.add_argument("--retrain", action="store_true", help="move trainings of another configuration aside and train again")
    add_host_arguments(parser)
    add_preflight_argument(parser)
    answer_other_words(parser, PIPELINE, "--resume", "--iter")


def run(args) -> int:
    """Run it."""
    from ..workflows.pipeline import run_pipeline

    return run_pipeline(args)
