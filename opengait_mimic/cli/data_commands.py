"""Commands on data: ``walkers``, ``preview``, ``check``, ``check data``."""

from __future__ import annotations

from ..base.errors import ConfigError
from .console import add_device_argument, add_host_argument


def walkers(commands) -> None:
    """Add ``walkers``."""
    p = commands.add_parser("walkers", help="generate walking silhouettes in OpenGait's tree")
    p.add_argument("--out", required=True, metavar="DIR", help="made; gets DIR/walkers and the partition DIR/walkers.json (required)")
    p.add_argument("--subjects", type=int, default=280, metavar="N", help="people, 2 or more; 5 of 7 to train on (default: 280)")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="of the population; subject i is the same for any N (default: 0)")
    p.set_defaults(run=_run_walkers)


def _run_walkers(given) -> int:
    from ..base.progress import Bar
    from ..data.walkers import mean_silhouette_rank1, write_walkers

    try:
        with Bar("walkers") as bar:
            tree = write_walkers(given.out, subjects=given.subjects, seed=given.seed, progress=bar)
    except ValueError as error:
        raise ConfigError(f"walkers: {error}") from error
    print(f"{tree.sequences} sequences, {tree.frames} frames: {len(tree.train)} subjects to train on, {len(tree.test)} to test on")
    print(f"  data_cfg.dataset_root: {tree.root}\n  data_cfg.dataset_partition: {tree.partition}")
    print(f"Rank-1 of the mean silhouette (no learning): {mean_silhouette_rank1(tree):.2f} %")
    return 0


def preview(commands) -> None:
    """Add ``preview``."""
    p = commands.add_parser("preview", help="a picture of what a configuration hides of your data; nothing need be trained")
    p.add_argument("--cfgs", required=True, help="the YAML of any silhouette model")
    p.add_argument("--out", required=True, metavar="PNG")
    add_host_argument(p)
    p.set_defaults(run=_run_preview)


def _run_preview(given) -> int:
    from .. import host
    from ..workflows.preview_sheet import preview

    host.bind(given.host, "cpu")
    print(preview(given.cfgs, given.out))
    return 0


def check(commands) -> None:
    """Add ``check`` and ``check data``."""
    p = commands.add_parser("check", help="host, versions, what is missing; `check data`: would a tree of pickles stop a training?")
    add_host_argument(p)
    add_device_argument(p)
    p.set_defaults(run=_run_check)
    d = p.add_subparsers(metavar="[data]").add_parser("data", help="a tree of silhouette pickles: what would stop a training or falsify it")
    d.add_argument("--root", default=None, metavar="DIR", help="the folder of identities (default: data_cfg.dataset_root of --cfgs)")
    d.add_argument("--partition", default=None, metavar="JSON", help="TRAIN_SET and TEST_SET (default: that of --cfgs)")
    d.add_argument("--cfgs", default=None, metavar="YAML", help="a configuration: its transforms, frames, batch, protocol and geometry")
    d.add_argument("--workers", type=int, default=None, metavar="N", help="processes that read (default: the processors, 16 at most)")
    d.add_argument("--json", default=None, metavar="FILE", help="write every problem here")
    d.add_argument("--fingerprint", default=None, metavar="FILE", help="where the fingerprint goes (default: DIR.fingerprint.json)")
    add_host_argument(d)
    d.set_defaults(run=_run_check_data)


def _run_check(given) -> int:
    from .check_host import report

    lines, ready = report(given.host, given.device)
    print("\n".join(lines))
    return 0 if ready else 1


def _run_check_data(given) -> int:
    from ..doctor.command import run

    return run(given)
