"""Results as one HTML page, and as CSV, JSON and LaTeX."""

EXAMPLE = "opengait-mimic report results/baseline1 results/mimicgait --out report.html --latex table.tex"


def add_arguments(parser) -> None:
    """Add the options."""
    parser.add_argument("results", nargs="+", metavar="RESULTS", help="folders that `evaluate --out DIR` wrote, or their results.json")
    parser.add_argument("--out", default="report.html", metavar="HTML", help="the page (default: report.html)")
    parser.add_argument("--csv", metavar="FILE", help="one line per method and cell, and per subset")
    parser.add_argument("--json", metavar="FILE", help="the same with curves and origin")
    parser.add_argument("--latex", metavar="FILE", help="the tables for \\input; needs booktabs")


def run(args) -> int:
    """Run it."""
    from ..evaluation.report import write_report

    print("\n".join(write_report(args.results, args.out, args.csv, args.json, args.latex)))
    return 0
