"""List what differs between two runs, results or configurations, the most likely causes first."""

EXAMPLE = "opengait-mimic compare output/Gait3D/MimicGait/run1 configs/mimicgait/mimicgait_gaitbase_gait3d.yaml"


def add_arguments(parser) -> None:
    """Add the options."""
    kinds = "checkpoint, its run.json, folder of a training or a result, or YAML"
    parser.add_argument("a", metavar="A", help=kinds)
    parser.add_argument("b", metavar="B", help="the same; the recipe, if one of the two is one")
    parser.add_argument("--host", help="OpenGait checkout whose defaults complete a YAML, or `embedded`")
    parser.add_argument("--output", metavar="DIR", help="folder of results that a YAML's `auto` refers to (default: ./output)")


def run(args) -> int:
    """Run it."""
    from ..comparing.command import run

    return run(args)
