"""Generate walking silhouettes in OpenGait's folder layout.

Writes DIR/walkers/<subject>/<type>/<view>/*.pkl and the partition DIR/walkers.json. Subject i is the same whatever N is.
"""

EXAMPLE = "opengait-mimic walkers --out data --subjects 280"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the silhouettes and the partition")
    parser.add_argument("--subjects", type=int, default=280, metavar="N", help="at least 2; 5 of 7 are for training (default: 280)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the population (default: 0)")


def run(args) -> int:
    """Run it."""
    from ..base.errors import ConfigError
    from ..base.progress import Bar
    from ..data.walkers import mean_silhouette_rank1, write_walkers

    try:
        with Bar("walkers") as bar:
            tree = write_walkers(args.out, subjects=args.subjects, seed=args.seed, progress=bar)
    except ValueError as error:
        raise ConfigError(f"walkers: {error}") from error
    print(f"{tree.sequences} sequences, {tree.frames} frames: {len(tree.train)} subjects to train on, {len(tree.test)} to test on")
    print(f"  data_cfg.dataset_root: {tree.root}\n  data_cfg.dataset_partition: {tree.partition}")
    print(f"Rank-1 of the mean silhouette (no learning): {mean_silhouette_rank1(tree):.2f} %")
    return 0
