r"""The tables as LaTeX: fragments for ``\input``, with booktabs."""

from __future__ import annotations

import re
import unicodedata

from .entries import Entry
from .groups import Group, why_apart
from .tables import notes, rp, score

HEAD = (
    "% written by opengait-mimic report; needs \\usepackage{booktabs}, and UTF-8 input (the default since 2018)\n"
    "% \\usepackage[T1]{fontenc} sets the accented letters of names\n"
)
LINES = 40  # of a page
TITLES = ("Method", "Rank-1, %", "Rank-5, %", "RP at 1 [95 %]", "RP at 5", "Retention")
RETENTION, DAGGER = "retention_rank1", r"$^\dagger$"
SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"},
    **{"|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}"},
    **{"±": r"$\pm$", "×": r"$\times$", "–": "--", "—": "---"},
}
JOINED = "-',"  # two of a kind would become one sign


def escaped(text: str) -> str:
    """Text that LaTeX prints as it stands; a sign that its usual fonts lack becomes ``[U+4E2D]``."""
    letters = unicodedata.normalize("NFC", str(text))
    return "".join(("{}" if a == before and a in JOINED else "") + _sign(a) for before, a in zip(" " + letters, letters))


def _sign(letter: str) -> str:
    if letter in SIGNS:
        return SIGNS[letter]
    return letter if " " <= letter <= "~" or re.match("[À-ÖØ-öø-ÿ]", letter) else f"{{[}}U+{ord(letter):04X}{{]}}"


def to_latex(groups: list[Group]) -> str:
    """A table for each group, more where the page is full; blocks of one cell each, a caption that tells what is compared."""
    return "\n".join([HEAD, *(table for number in range(len(groups)) for table in _tables(groups, number))])


def _tables(groups: list[Group], number: int) -> list[str]:
    group, pages = groups[number], [[]]
    for place in group.places:
        block = [_line(entry) for entry in group.at(place)]
        block.insert(0, f"\\multicolumn{{{len(TITLES)}}}{{@{{}}l}}{{\\emph{{{escaped(place.title)}}}}} \\\\")
        if pages[-1] and sum(map(len, pages[-1])) + len(block) > LINES:
            pages.append([])
        pages[-1].append(block)
    facts = f"{group.facts['dataset']}, protocol {group.facts['protocol']}, occlusion seeds {group.facts['seeds']}."
    unseen = any(entry.seen is False for entry in group.entries)
    caption = escaped(" ".join([facts, *notes(group, seen=False), why_apart(groups, number)]).strip())
    caption += f" {DAGGER}\\,The method was not trained on every kind that the cell hides." if unseen else ""
    return [_table(page, caption if i == 0 else "Continued.") for i, page in enumerate(pages)]


def _line(entry: Entry) -> str:
    cells = [entry.name, score(entry, "rank1"), score(entry, "rank5"), rp(entry), score(entry, "rp_rank5", 2), score(entry, RETENTION, 2)]
    name, *numbers = map(escaped, cells)
    return " & ".join([name + (DAGGER if entry.seen is False else ""), *numbers]) + r" \\"


def _table(blocks: list[list[str]], caption: str) -> str:
    body = "\n\\midrule\n".join("\n".join(block) for block in blocks)
    titles = " & ".join(map(escaped, TITLES)) + r" \\"
    return (
        f"\\begin{{table}}\n\\centering\n\\scriptsize\\setlength{{\\tabcolsep}}{{3pt}}\n\\caption{{{caption}}}\n"
        f"\\begin{{tabular}}{{@{{}}l{'r' * (len(TITLES) - 1)}@{{}}}}\n\\toprule\n{titles}\n\\midrule\n{body}\n\\bottomrule\n"
        f"\\end{{tabular}}\n\\end{{table}}\n"
    )
