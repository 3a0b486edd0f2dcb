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
    """Run it. 0: no departure from the recipe; 1: there is one, or a side's recipe is not known; 2: a side cannot be read."""
    import shutil
    import sys
    from pathlib import Path

    from .. import host
    from ..base.errors import CheckpointError, ConfigError, HostError
    from ..evaluation.difference_table import format_table
    from ..evaluation.differences import compare, read_side
    from ..training.recipe import read_yaml_recipe

    def read_yaml(file: Path) -> tuple[dict, dict]:
        host.bind(args.host, "cpu", args.output)
        return read_yaml_recipe(file)

    try:
        a, b = (read_side(place, read_yaml) for place in (args.a, args.b))
    except (ConfigError, HostError, CheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = compare(a, b)
    print(format_table(found, a, b, min(max(shutil.get_terminal_size((100, 24)).columns, 80), 120)))
    known = "model" in a.facts and "model" in b.facts
    return 1 if not known or any(each.departure for each in found) else 0
