"""Try one training step, one test batch and one checkpoint; train nothing.

Prints one line per check. A training runs the same checks before its first step.
"""

from .arguments import add_host_arguments

EXAMPLE = "opengait-mimic preflight --cfgs configs/mimicgait/mimicgait_gaitbase_gait3d.yaml"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("--cfgs", required=True, metavar="YAML", help="configuration of any model, ours or OpenGait's")
    parser.add_argument("--iter", type=int, default=0, metavar="K", help="check a training that goes on from this iteration")
    add_host_arguments(parser)


def run(args) -> int:
    """Run it."""
    from .. import host
    from ..training.launch import try_out

    host.bind(args.host, args.device, args.output)
    try_out(args.cfgs, args.iter)
    return 0
