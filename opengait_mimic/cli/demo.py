"""Train and compare methods on generated walkers.

Trains the teacher, the VEN, Baseline-2 and MimicGait on generated silhouettes, scores all of them on whole and occluded bodies, and prints
one table. Finished stages are kept: the same command goes on where it stopped. About six minutes on two CPU cores.
"""

from .arguments import add_device_argument, add_host_argument, add_preflight_argument

EXAMPLE = "opengait-mimic demo --methods baseline2,mimicgait,occlusionaware --seeds 0-2 --out demo"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("--out", default="demo", metavar="DIR", help="folder for everything (default: demo)")
    parser.add_argument(
        "--methods",
        default="baseline2,mimicgait",
        metavar="LIST",
        help="names or YAML paths (default: baseline2,mimicgait)",
    )
    parser.add_argument("--seeds", default="0", metavar="LIST", help="seeds of training and occlusion, such as 0-2 or 0,3 (default: 0)")
    parser.add_argument("--cold", action="store_true", help="start mimics from random weights instead of the teacher's")
    parser.add_argument("--smoke", action="store_true", help="a few steps per stage: tests that it runs; the numbers mean nothing")
    parser.add_argument("--root", metavar="DIR", help="your silhouette pickles instead of walkers (needs --partition and --dataset)")
    parser.add_argument("--partition", metavar="JSON", help="their partition file")
    parser.add_argument("--dataset", metavar="NAME", help="their data set name, such as GREW; decides probe and gallery")
    add_host_argument(parser)
    add_device_argument(parser)
    add_preflight_argument(parser)


def run(args) -> int:
    """Run it."""
    from ..workflows.demo_study import run_study

    return run_study(args)
