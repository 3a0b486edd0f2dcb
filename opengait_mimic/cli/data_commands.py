"""Commands on data: ``walkers``, ``preview``."""

from __future__ import annotations

from ..base.errors import ConfigError
from .console import add_host_argument


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
