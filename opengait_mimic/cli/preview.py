"""Draw what a configuration hides of your data; nothing needs to be trained."""

from .arguments import add_host_argument

EXAMPLE = "opengait-mimic preview --cfgs configs/mimicgait/mimicgait_gaitbase_gait3d.yaml --out preview.png"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("--cfgs", required=True, metavar="YAML", help="configuration of any silhouette model")
    parser.add_argument("--out", required=True, metavar="PNG", help="the picture")
    add_host_argument(parser)


def run(args) -> int:
    """Run it."""
    from .. import host
    from ..workflows.preview_sheet import preview

    host.bind(args.host, "cpu")
    print(preview(args.cfgs, args.out))
    return 0
