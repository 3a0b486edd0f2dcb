r"""The tables as LaTeX: fragments for ``\input``, with booktabs."""

from __future__ import annotations

import re

from .method_cells import Entry
from .method_groups import Group, explain_group
from .page_text import format_number
from .result_tables import SUBSET_TITLES, format_rp, format_score, list_notes, list_subset_blocks, list_subset_notes

HEAD = (
    "% written by opengait-mimic report; needs \\usepackage{booktabs}, and UTF-8 input (the default since 2018)\n"
    "% \\usepackage[T1]{fontenc} sets the accented letters of names\n"
)
LINES = 40  # of a page
TITLES = ("Method", "Rank-1, %", "Rank-5, %", "mAP, %", "mINP, %", "RP at 1 [95 %]", "RP at 5", "Ret.")
DAGGER = r"$^\dagger$"
SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "[": "{[}", "]": "{]}"},
    **{"±": r"$\pm$", "×": r"$\times$", "–": "--"},
}


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(SIGNS.get(letter, letter) for letter in text)


def to_latex(groups: list[Group]) -> str:
    """A table for each group, more where the page is full; blocks of one cell each, a caption that states what is compared.

    Where the protocol has several subsets, they follow in a table of their own.
    """
    return "\n".join([HEAD, *(table for number in range(len(groups)) for table in _tables(groups, number))])


def _tables(groups: list[Group], number: int) -> list[str]:
    group, backbones = groups[number], list(dict.fromkeys(entry.backbone for entry in groups[number].entries))
    shared = f", {backbones[0]}" if len(backbones) == 1 else ""  # the caption says it
    facts = [f"{group.facts['dataset']}{shared}, protocol {group.facts['protocol']}, occlusion seeds {group.facts['seeds']}; percent."]
    unseen = any(entry.seen is False for entry in group.entries)
    caption = escape_latex(" ".join([*facts, *list_notes(group, seen=False), explain_group(groups, number)]).strip())
    caption += f" {DAGGER}\\,The method was not trained on every kind that the cell hides." if unseen else ""
    blocks = [(place.title, [_line(entry, shared) for entry in group.at(place)]) for place in group.places]
    parted = [(title, [_cells(name.removesuffix(shared), more) for name, *more in lines]) for title, lines in list_subset_blocks(group)]
    more = escape_latex(" ".join(["By subset:", *facts, *list_subset_notes(group)]))
    return _pages(TITLES, blocks, caption) + (_pages(SUBSET_TITLES, parted, more) if parted else [])


def _line(entry: Entry, shared: str) -> str:
    percents = [format_score(entry, key) for key in ("rank1", "rank5", "mAP", "mINP")]
    retention = format_number(entry.scores["retention_rank1"].mean, 2)  # of whole bodies, which no seed changes
    numbers = [*percents, format_rp(entry), format_score(entry, "rp_rank5", 2), retention]
    return _cells(entry.name.removesuffix(shared), numbers, DAGGER if entry.seen is False else "")


def _cells(name: str, numbers: list[str], sign: str = "") -> str:
    """A line of a table; deviations stand small and low, so that it fits a page."""
    small = (re.sub(r" \$\\pm\$ ([\d.]+)", r"$_{\\pm\1}$", escape_latex(number)) for number in numbers)
    wrapped = f"\\parbox[t]{{.22\\linewidth}}{{\\raggedright {escape_latex(name)}{sign}\\strut}}"
    return " & ".join([wrapped if len(name) > 22 else escape_latex(name) + sign, *small])


def _pages(titles: tuple[str, ...], blocks: list[tuple[str, list[str]]], caption: str) -> list[str]:
    """Tables of at most `LINES` lines; a block stays together where it fits one."""
    pages: list[list[list[str]]] = [[]]
    for title, lines in blocks:
        for start in range(0, len(lines), LINES - 1):
            block = [f"\\multicolumn{{{len(titles)}}}{{@{{}}l}}{{\\itshape {escape_latex(title)}}}", *lines[start : start + LINES - 1]]
            if pages[-1] and sum(map(len, pages[-1])) + len(block) > LINES:
                pages.append([])
            pages[-1].append(block)
    return [_table(titles, page, caption if i == 0 else "Continued.") for i, page in enumerate(pages)]


def _table(titles: tuple[str, ...], blocks: list[list[str]], caption: str) -> str:
    """The letters become smaller where the table is wider than the text."""
    body = "\n\\midrule\n".join("\n".join(f"{line} \\\\" for line in block) for block in blocks)
    sides = "".join("l" if title in ("Method", "Subset") else "r" for title in titles)
    head = " & ".join(escape_latex(title.removesuffix(", %")) for title in titles) + r" \\"
    return (
        f"\\begin{{table}}\n\\centering\n\\scriptsize\\setlength{{\\tabcolsep}}{{2pt}}\n\\caption{{{caption}}}\n"
        f"\\def\\numbers{{\\begin{{tabular}}{{@{{}}{sides}@{{}}}}\n\\toprule\n{head}\n\\midrule\n{body}\n"
        f"\\bottomrule\n\\end{{tabular}}}}\n\\setbox0\\hbox{{\\numbers}}\\ifdim\\wd0>\\linewidth\\tiny\\setlength{{\\tabcolsep}}{{1pt}}\\fi\n\\numbers\n\\end{{table}}\n"
    )
