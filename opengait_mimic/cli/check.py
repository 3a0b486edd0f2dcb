"""Report the host, versions and what is missing; or check the silhouettes of a training.

`opengait-mimic check` reports the host. `opengait-mimic check data` reads a folder of silhouette pickles and names what would stop a
training or falsify its result.
"""

from .arguments import add_device_argument, add_host_argument

EXAMPLE = "opengait-mimic check data --cfgs configs/mimicgait/mimicgait_gaitbase_gait3d.yaml"


def add_arguments(parser) -> None:
    """Add the options of both forms."""
    add_host_argument(parser)
    add_device_argument(parser)
    parser.set_defaults(checks_data=False)
    data = parser.add_subparsers(metavar="[data]").add_parser("data", help="check the silhouettes of a training")
    data.set_defaults(checks_data=True)
    data.add_argument("--root", metavar="DIR", help="folder of identities (default: data_cfg.dataset_root of --cfgs)")
    data.add_argument("--partition", metavar="JSON", help="TRAIN_SET and TEST_SET (default: that of --cfgs)")
    data.add_argument("--cfgs", metavar="YAML", help="configuration, for its transforms, frames, batch and geometry")
    data.add_argument("--workers", type=int, metavar="N", help="processes that read (default: the processors, at most 16)")
    data.add_argument("--json", metavar="FILE", help="write every problem")
    data.add_argument("--fingerprint", metavar="FILE", help="write the fingerprints of the data, as JSON")
    add_host_argument(data)


def run(args) -> int:
    """Run it."""
    if args.checks_data:
        from .check_data import run as check_data

        return check_data(args)
    from .check_host import report

    lines, is_ready = report(args.host, args.device)
    print("\n".join(lines))
    return 0 if is_ready else 1
