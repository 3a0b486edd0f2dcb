"""ROC of verification: true accepts against false accepts."""

from __future__ import annotations

from .method_cells import Entry
from .method_groups import Group
from .page_sections import Figure, Section, make_legend, make_section
from .page_text import join_words
from .result_tables import format_score
from .svg import Axis, Chart

TITLES = ("Method", "TAR at FAR 1 %, %", "TAR at FAR 0.1 %, %", "EER, %")
KEYS = ("tar_at_far_0.01", "tar_at_far_0.001", "eer")
FEWEST = 1e-4  # the smallest share of false accepts that is drawn


def draw_roc(group: Group) -> Section:
    """One chart for each cell, one line for each method, of its first seed; a table with TAR and EER."""
    figures, names, lines = [], [], []
    for place in group.places:
        found = [entry for entry in group.at(place) if _verification(entry).get("roc")]
        if not found:
            continue
        names += [entry.name for entry in found]
        chart = Chart(
            f"ROC, {place.title}: {join_words(map(_numbers, found))}.",
            Axis("false accepts (FAR), %", 100 * FEWEST, 100, log=True),
            Axis("true accepts (TAR), %", 0, 100),
        )
        for entry in found:
            number = group.names.index(entry.name)
            points = [(100 * far, tar) for far, tar in _verification(entry)["roc"] if far >= FEWEST]
            chart.line(*zip(*points), number)
            for far, tar in _verification(entry)["tar"].items():
                if tar is not None:  # enough impostor pairs for this FAR
                    chart.point(100 * float(far), tar, number, f"{entry.name}: TAR {tar:.1f} % at FAR {100 * float(far):g} %", 3.6)
        figures.append(Figure(chart.svg(), place.caption))
        lines.append((place.title, [[entry.name, *(format_score(entry, key) for key in KEYS)] for entry in found]))
    listed_pairs = any(_verification(entry).get("pairs") == "listed" for entry in group.entries)
    what = "The pairs of a list." if listed_pairs else "Every probe against every gallery sequence as a pair."
    intro = f"{what} Curves are of the first seed, with markers at the false accepts for which the table gives TAR."
    for reason in dict.fromkeys(text for entry in group.entries for text in (_verification(entry).get("tar_reason") or {}).values()):
        intro += f" No TAR there: {reason}."
    empty = "The results hold no verification scores."
    for reason in dict.fromkeys(filter(None, (entry.rows[0].get("verification_reason") for entry in group.entries))):
        intro, empty = (f"{text} No verification: {reason}." for text in (intro, empty))
    made = make_section("roc", "Verification", intro, figures, empty, make_legend(group, names))
    return made._replace(numbers=(TITLES, lines))


def _verification(entry: Entry) -> dict:
    return entry.rows[0].get("verification") or {}


def _numbers(entry: Entry) -> str:
    return f"{entry.name} {', '.join(f'{title} {format_score(entry, key)}' for title, key in zip(TITLES[1:], KEYS))}"
