"""``opengait-mimic report``: the page, read back with an HTML parser."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from opengait_mimic.base.errors import ConfigError
from opengait_mimic.cli import main
from opengait_mimic.evaluation.report import write_report
from opengait_mimic.evaluation.report.method_cells import SCORES
from opengait_mimic.occlusion import KINDS
from tests.evaluation.report_results import MOVING, RANGES, SEVERITY, write

VOID = {"meta", "img", "br", "link", "input", "hr"}
METHODS = (("Baseline-1", 3.4), ("MimicGait", 2.0))


class Page(HTMLParser):
    """Elements with their attributes and text; fails on an element that is not closed where it should be."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.ids = [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        found = SimpleNamespace(tag=tag, attrs=attrs, text="", inside=[e.tag for e in self.open])
        self.elements.append(found)
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag not in VOID:
            self.open.append(found)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(SimpleNamespace(tag=tag, attrs=dict(attrs), text="", inside=[e.tag for e in self.open]))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag if self.open else 'nothing'}>"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.text += data

    def all(self, tag, **attrs):
        return [e for e in self.elements if e.tag == tag and all(e.attrs.get(k.rstrip("_")) == v for k, v in attrs.items())]

    def section(self, name):
        return next(e for e in self.elements if e.tag == "section" and e.attrs.get("aria-labelledby", "").endswith(f"-{name}"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    return [write(root / m, m, "GaitBase", "CASIA-B", f, with_ven=m == "MimicGait") for m, f in METHODS]


@pytest.fixture(scope="module")
def content(results):
    return [json.loads((folder / "results.json").read_text()) for folder in results]


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "report.html"
    write_report(results, out)
    return Page(out.read_text(encoding="utf-8"))


def test_the_page_fetches_nothing(page):
    for element in page.elements:
        for key in ("src", "href", "xlink:href", "srcset", "action", "data"):
            value = element.attrs.get(key)
            assert value is None or value.startswith(("#", "data:image/png;base64,")), (element.tag, key, value)
        assert element.tag not in ("script", "link", "iframe", "object")
        assert not any(key.startswith("on") for key in element.attrs)
    assert "url(" not in page.all("style")[0].text and "@import" not in page.all("style")[0].text
    assert "default-src 'none'" in page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0].attrs["content"]


def test_the_page_is_well_formed_and_can_be_walked(page):
    assert len(page.ids) == len(set(page.ids))
    anchors = [a.attrs["href"] for a in page.all("a")]
    assert anchors and all(anchor[1:] in page.ids for anchor in anchors)
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:]))
    assert page.all("html")[0].attrs["lang"] == "en"
    for table in page.all("table"):
        assert "caption" in [e.tag for e in page.elements if "table" in e.inside], table
    assert all("scope" in th.attrs for th in page.all("th"))
    assert all(e.attrs.get("aria-label") or e.attrs.get("aria-hidden") for e in page.all("svg"))
    assert all(e.attrs.get("alt") for e in page.all("img"))
    assert len(page.all("figure")) == len(page.all("figcaption")) > 10


def test_every_number_of_the_results_stands_in_the_table(page, content):
    """All that the reader of a result knows: none may be left to the files alone."""
    cells = [e.text for e in page.elements if e.tag in ("td", "th") and "tbody" in e.inside]
    facts = page.all("dl")[0].text
    percents, ratios = ("rank1", "rank5", "mAP", "mINP", "rank10", "rank20"), ("rp_rank5", "retention_rank1", "rp_rank10", "rp_rank20")
    hp, pairs = [f"hp_rank{k}" for k in (1, 5, 10, 20)], {"tar_at_far_0.01": "0.01", "tar_at_far_0.001": "0.001"}
    assert {*percents, "rp_rank1", *ratios, *hp, *pairs, "eer"} == set(SCORES)
    for result in content:
        for row in result["rows"]:
            (low, high), name = row["rp_rank1_interval"], f"{row['method']}, {row['backbone']}"
            texts = {key: f"{row[key]:.1f}" for key in percents} | {key: f"{row[key]:.2f}" for key in ratios}
            line = [name, texts["rank1"], texts["rank5"], f"{row['rp_rank1']:.2f} [{low:.2f}, {high:.2f}]", texts["rp_rank5"], texts["mAP"]]
            line += [texts["mINP"], texts["retention_rank1"], {True: "seen", False: "unseen", None: ""}[row["seen"]]]
            line += [texts[key] for key in ("rank10", "rank20", "rp_rank10", "rp_rank20")]
            tar = [f"{row['verification']['tar'][at]:.1f}" for at in pairs.values()]
            for wanted in (line, [name, *tar, f"{row['verification']['eer']:.1f}"]):
                assert any(cells[i : i + len(wanted)] == wanted for i in range(len(cells))), wanted
            assert all(f"{row[key]:.2f} % Rank-{key.removeprefix('hp_rank')}" in facts for key in hp)


def test_kinds_that_were_not_trained_are_marked(results, tmp_path):
    folder = write(tmp_path / "r", "MimicGait", "GaitGL", cells=MOVING, pictures=False)
    write_report([folder], tmp_path / "p.html")
    found = Page((tmp_path / "p.html").read_text())
    marked = [e.text for e in found.all("td") if "unseen" in e.text]
    rows = json.loads((folder / "results.json").read_text())["rows"]
    assert [row["seen"] for row in rows] == [None, True, False]
    assert marked[0].startswith(f"{rows[2]['rank1']:.1f} unseen") and marked[1:] == ["unseen"]


def test_the_points_of_op_against_hp_lie_where_the_numbers_say(page, content):
    from opengait_mimic.evaluation.report.occluded_against_whole import ROOM
    from opengait_mimic.evaluation.report.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

    titles = {e.text for e in page.elements if e.tag == "title" and "svg" in e.inside}
    for result in content:
        for row in result["rows"]:
            if row["occluded_side"] != "holistic":
                point = f"HP {row['hp_rank1']:.1f}, OP {row['rank1']:.1f}, RP {row['rp_rank1']:.2f}"
                assert f"{row['method']}, {row['backbone']}: {point}" in titles
    row = content[0]["rows"][1]  # Baseline-1's marker is a circle; the axes end at a ten above HP and above RP's intervals
    highest = max(result["rows"][1]["rp_rank1_interval"][1] * result["rows"][1]["hp_rank1"] for result in content)
    right, top = 100, 10 * np.ceil(1.1 * highest / 10)
    x = LEFT + row["hp_rank1"] / right * (WIDTH - LEFT - RIGHT - ROOM)
    y = HEIGHT - BOTTOM - row["rank1"] / top * (HEIGHT - TOP - BOTTOM)
    circles = [(float(e.attrs["cx"]), float(e.attrs["cy"])) for e in page.all("circle")]
    assert any(abs(cx - x) < 0.06 and abs(cy - y) < 0.06 for cx, cy in circles)


def test_the_ven_is_counted_as_its_arrays_say(page, results):
    with np.load(results[1] / "trials.npz", allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    where = "top+bottom 40-60 %|0"
    right = 100 * np.mean(found[f"{where}/kind"] == found[f"{where}/ven_kind"])
    error = 100 * np.abs(found[f"{where}/hidden_area"].astype(float) - found[f"{where}/ven_hidden"]).mean()
    text = page.section("ven").text
    assert f"{right:.1f} % of {len(found[f'{where}/kind'])} sequences named right" in text
    assert f"mean absolute error {error:.1f} percent points" in text


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (["none", "bottom", "top"], ""),
        (["none", "top"], "{others:.1f} % of the {count} others; bottom is not among the kinds it was taught (none, top)"),
        (["none", "middle"], "bottom and top are not among the kinds it was taught (none, middle)"),
        (None, ""),
    ],
)
def test_kinds_that_the_ven_was_never_taught_are_named(results, tmp_path, known, sentence):
    shutil.copytree(results[1], tmp_path / "r")
    content = json.loads((tmp_path / "r" / "results.json").read_text())
    content["provenance"]["ven_kinds"] = known
    (tmp_path / "r" / "results.json").write_text(json.dumps(content))
    write_report([tmp_path / "r"], tmp_path / "p.html")
    with np.load(results[1] / "trials.npz") as arrays:
        kind, named = (arrays[f"top+bottom 40-60 %|0/{field}"] for field in ("kind", "ven_kind"))
    top = kind == KINDS.index("top")
    sentence = sentence.format(others=100 * np.mean(named[top] == kind[top]), count=top.sum())
    found = Page((tmp_path / "p.html").read_text()).section("ven").text
    assert (sentence in found) if sentence else ("taught" not in found)


def test_silhouettes_come_back_from_the_page(page, results):
    with np.load(results[1] / "pictures.npz", allow_pickle=False) as arrays:
        wanted, texts = arrays["sheet/top+bottom 40-60 %"], arrays["sheet/top+bottom 40-60 %/text"]
        worst = arrays["retrieval/1/worst"]
    shown = [np.asarray(Image.open(io.BytesIO(base64.b64decode(e.attrs["src"].split(",")[1])))) for e in page.all("img")]
    assert all(picture.dtype == np.uint8 and picture.ndim == 2 for picture in shown)

    def held(clip):
        w = clip.shape[2]
        columns = np.concatenate([np.arange(i * (w + 2), i * (w + 2) + w) for i in range(len(clip))])
        flat = np.concatenate(list(clip), axis=1)
        return any(p.shape[1] == len(clip) * (w + 2) - 2 and (p[:, columns] == flat).all() for p in shown)

    assert all(held(clip) for clip in wanted) and all(held(side) for trial in worst for side in trial)
    assert all(str(text) in page.section("sheets").text for text in texts)


def test_a_gallery_by_the_teacher_is_shown_as_the_methods_network_sees_it(page):
    captions = [e.text for e in page.all("figcaption") if " best " in e.text or " worst " in e.text]
    by_teacher = [text for text in captions if "gallery by the teacher" in text]
    assert by_teacher and all("shown as the method's network sees it" in text for text in by_teacher)
    assert not any("shown as" in text for text in captions if text not in by_teacher)


def test_sections_without_data_say_why_they_are_empty(page, tmp_path):
    assert "evaluate with --preset severity" in page.section("empty").text
    folder = write(tmp_path / "r", "Baseline-1", "GaitBase", "walkers", with_ven=False, pictures=False)
    content = json.loads((folder / "results.json").read_text())
    for line in (*content["rows"], *content["summary"]):
        line.update(cmc=None, view_pairs=None, by_view=None, by_kind=None, verification=None)
        line.update({key: None for key in line if key.startswith(("rp_", "hp_", "retention"))}, rp_reason="no teacher was found")
    (folder / "results.json").write_text(json.dumps(content))
    (folder / "trials.npz").unlink()
    write_report([folder], tmp_path / "p.html")
    bare = Page((tmp_path / "p.html").read_text())
    titles = ["Occluded against whole-body performance", "Relative performance against the hidden share", "Verification"]
    titles += ["Rank-1 by view", "Rank-1 by kind", "Cumulative match characteristics", "The visibility network"]
    titles += ["What the tests hid", "Best and worst retrievals"]
    notes = [e.text for e in bare.all("li") if "ul" in e.inside]
    assert bare.all("figure") == [] and all(any(text.startswith(f"{title}: ") for text in notes) for title in titles)
    assert "No RP for Baseline-1, GaitBase: no teacher was found." in bare.all("body")[0].text


def test_rp_against_the_hidden_share(tmp_path):
    folders = [write(tmp_path / m, m, "GaitBase", "walkers", f, cells=SEVERITY, seeds=(0, 1, 2), pictures=False) for m, f in METHODS]
    write_report(folders, tmp_path / "p.html")
    found = Page((tmp_path / "p.html").read_text())
    rows = json.loads((folders[1] / "results.json").read_text())["rows"]
    for hidden in RANGES:
        rps = [row["rp_rank1"] for row in rows if row["hidden"] == list(hidden)]
        op = [row["rank1"] for row in rows if row["hidden"] == list(hidden)]
        assert len(rps) == 3
        titles = [e.text for e in found.all("title")]
        assert f"MimicGait, GaitBase, {100 * hidden[0]:g}–{100 * hidden[1]:g} %: RP {np.mean(rps):.2f}" in titles
        assert any(e.text.startswith(f"{np.mean(op):.1f} ± {np.std(op, ddof=1):.1f}") for e in found.all("td"))


def test_the_command_as_typed(results, tmp_path, capsys):
    files = {flag: str(tmp_path / f"r.{flag}") for flag in ("csv", "json", "latex")}
    flags = [part for flag, file in files.items() for part in (f"--{flag}", file)]
    assert main(["report", *map(str, results), "--out", str(tmp_path / "deep" / "r.html"), *flags]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in printed] == [f"written: {file}" for file in (tmp_path / "deep" / "r.html", *files.values())]
    with pytest.raises(SystemExit, match="no such file"):
        main(["report", str(tmp_path / "nowhere"), "--out", str(tmp_path / "x.html")])
    assert not (tmp_path / "x.html").exists()


def test_without_jinja2_the_extra_is_named(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[report\]'"):
        write_report(results, tmp_path / "p.html")


def test_importing_the_report_imports_no_page_maker():
    code = "import sys, opengait_mimic.evaluation.report; print('matplotlib' in sys.modules, 'opengait_mimic.host' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == ["False", "False"]


def test_names_are_text(tmp_path):
    evil = '"><script>alert(1)</script>&amp;'
    folder = write(tmp_path / "r", evil)
    with np.load(folder / "pictures.npz") as arrays:
        pictures = {name: arrays[name] for name in arrays.files}
    pictures["sheet/top+bottom 40-60 %/text"] = np.array(["<img src=x onerror=alert(1)>"] * 8)
    np.savez(folder / "pictures.npz", **pictures)
    write_report([folder], tmp_path / "p.html")
    found = Page((tmp_path / "p.html").read_text())
    assert not found.all("script") and all(e.attrs["src"].startswith("data:") for e in found.all("img"))
    assert evil in found.all("body")[0].text and "<img src=x onerror=alert(1)>" in found.all("body")[0].text
