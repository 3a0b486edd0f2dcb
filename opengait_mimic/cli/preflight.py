"""Try one training step, one test batch and one checkpoint; train nothing.

Prints one line per check. A training runs the same checks before its first step.
"""

from ..base.resume_words import TRAINING
from .arguments import add_host_arguments, add_iter_argument, answer_other_words

EXAMPLE = "opengait-mimic preflight --cfgs configs/mimicgait/mimicgait_gaitbase_gait3d.yaml"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("--cfgs", required=True, metavar="YAML", help="configuration of any model, ours or OpenGait's")
    add_iter_argument(parser, TRAINING, "check a training that goes on from this iteration")
    add_host_arguments(parser)
    answer_other_words(parser, TRAINING, "--resume")


def run(args) -> int:
    """Run it."""
    from .. import host
    from ..training.launch import try_out

    host.bind(args.host, args.device, args.output)
    try_out(args.cfgs, args.iter)
    return 0
