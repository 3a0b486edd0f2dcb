"""The pages say what is true: commands, options, keys, files and printed output are compared with the package."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = "demo pipeline evaluate report preview preflight compare check convert list walkers".split()
MARK = re.compile(r"<!-- (?P<mark>[a-z ]+): (?P<value>.+?) -->\n```(?P<language>\w+)\n(?P<text>.*?)```", re.S)
ANY = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```", re.S | re.M)


class Block(NamedTuple):
    """A code block of a page; ``mark`` and ``value`` are those of the comment above it, empty where there is none."""

    page: str
    language: str
    text: str
    mark: str = ""
    value: str = ""


def code_blocks(language: str = "") -> list[Block]:
    """Every code block of every page."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        marked = {m["text"]: (m["mark"], m["value"]) for m in MARK.finditer(text)}
        for m in ANY.finditer(text):
            found.append(Block(page.name, m["language"], m["text"], *marked.get(m["text"], ("", ""))))
    return [block for block in found if language in ("", block.language)]


def of(blocks) -> dict:
    """Parametrise by blocks, named after page and first line."""
    return {"argvalues": blocks, "ids": [f"{b.page}-{b.text.strip().splitlines()[0][:40]}" for b in blocks]}


def run_command(command: str, folder: Path) -> subprocess.CompletedProcess:
    """Run one of our commands, as a page spells it, in a folder."""
    words = shlex.split(command)
    assert words[0] == "opengait-mimic", command
    return run_python(["-m", "opengait_mimic.cli", *words[1:]], folder)


def run_python(words: list[str], folder: Path) -> subprocess.CompletedProcess:
    """Run Python in a folder, with one thread."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@cache
def help_of(*words: str) -> str:
    """What a command's --help prints."""
    return run_command(" ".join(["opengait-mimic", *words, "--help"]), ROOT).stdout


# --- sizes and links


def test_the_pages_keep_their_budgets():
    def lines(file):
        return len(file.read_text(encoding="utf-8").splitlines())

    assert lines(ROOT / "README.md") <= 250
    assert lines(ROOT / "CONTRIBUTING.md") <= 80
    assert sum(lines(page) for page in PAGES if page.parent == ROOT / "docs") <= 1600  # 1,500, and 100 for RG-Gait


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_named_files_exist(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http|#)([^)#]+)", text)
    missing = [link for link in links if not (page.parent / link).exists() and link != "configuration.md"]
    folders = (ROOT, ROOT / "opengait_mimic", ROOT / "docs")
    named = re.findall(r"(?<![\w/.])((?:[\w]+/)+[\w]+\.(?:py|yaml|sh|patch|svg|png))(?![\w*])", re.sub(r"```.*?```", "", text, flags=re.S))
    examples = ("datasets/", "demo/", "configs/default.yaml", "configs/gaitset/", "configs/guidedtriplet/", "tests/test_X.py")
    examples += ("opengait_mimic/models/guidedtriplet.py",)
    missing += [name for name in named if not name.startswith(examples) and not any((folder / name).exists() for folder in folders)]
    assert not missing


def test_generated_pages_are_up_to_date():
    done = run_python(["docs/generate_configuration.py", "--check"], ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


# --- commands


def command_lines() -> list[tuple[str, str]]:
    """(page, command) of every line of ours in the bash blocks."""
    found = []
    for block in code_blocks("bash"):
        for line in block.text.splitlines():
            line = re.sub(r"\s+#.*", "", line).strip()
            line = re.sub(r"^(?:[A-Z_]+=\S+ )*(?:torchrun .*?-m opengait_mimic\.cli|opengait-mimic) ", "opengait-mimic ", line)
            if line.startswith("opengait-mimic "):
                found.append((block.page, line))
    return found


@pytest.mark.parametrize("page, line", command_lines())
def test_commands_and_their_options_exist(page, line):
    words = shlex.split(line)[1:]
    if words[0].startswith("-"):
        return
    assert words[0] in COMMANDS, f"{page}: {line}"
    page_of_help = help_of(*words[: 2 if words[:2] == ["check", "data"] else 1])
    options = [word for word in words if word.startswith("--")]
    unknown = [option for option in options if not re.search(re.escape(option) + r"(?![\w-])", page_of_help)]
    assert not unknown, f"{page}: {line}"


def test_no_page_names_a_command_that_is_gone():
    gone = re.compile(r"opengait-mimic (adapt|table|import|curves)\b|--protocol\b|\bprotocol: (probe|both|holistic)")
    assert not [(page.name, m[0]) for page in PAGES for m in gone.finditer(page.read_text(encoding="utf-8"))]


# --- YAML


def merge(given, whole):
    """A complete configuration with the keys of a page's blocks in it."""
    return {**whole, **{block: {**whole[block], **keys} if isinstance(keys, dict) else keys for block, keys in given.items()}}


BASE = {
    "MimicGait": "mimicgait/mimicgait_gaitbase_walkers.yaml",
    "Baseline2": "baseline2/baseline2_gaitbase_walkers.yaml",
    "OcclusionAware": "occlusionaware/occlusionaware_gaitbase_walkers.yaml",
    "RGGait": "rggait/rggait_gaitbase_walkers.yaml",
    "VEN": "ven/ven_walkers.yaml",
}


@pytest.mark.parametrize("block", **of(code_blocks("yaml")))
def test_yaml_is_accepted(block, host, tmp_path):
    given = yaml.safe_load(block.text)
    assert block.mark, f"{block.page}: say with a comment what this block is (<!-- keys: method --> ...)"
    if block.value == "method":
        from opengait_mimic.host import load_cfgs

        whole = yaml.safe_load((ROOT / "configs" / BASE[given.get("model_cfg", {}).get("model", "MimicGait")]).read_text())
        (tmp_path / "page.yaml").write_text(yaml.safe_dump(merge(given, whole)))
        load_cfgs(tmp_path / "page.yaml")
    elif block.value == "cells":
        from opengait_mimic.evaluation.cells_file import read_cells

        (tmp_path / "cells.yaml").write_text(block.text)
        assert read_cells(str(tmp_path / "cells.yaml"))
    elif block.value == "transform":
        from data.transform import get_transform

        assert get_transform(given["transform"])
    elif block.mark == "ablation":
        write_ablation(block, tmp_path)
    else:
        assert (block.mark, block.value) == ("method", "yaml")


def write_ablation(block: Block, folder: Path) -> Path:
    """The shipped configuration on walkers with the keys of an ablation."""
    shipped = ROOT / "configs" / BASE["VEN" if block.value.startswith("ven") else "MimicGait"]
    file = folder / f"{block.value}.yaml"
    file.write_text(yaml.safe_dump(merge(yaml.safe_load(block.text), yaml.safe_load(shipped.read_text()))))
    return file


# --- Python


@pytest.mark.parametrize("block", **of(code_blocks("python")))
def test_python_compiles_and_its_names_exist(block):
    if block.page == "architecture.md" or block.text.startswith('"modeling'):
        return  # excerpts
    compile(block.text, block.page, "exec")
    for module, names in re.findall(r"^from (opengait_mimic[\w.]*) import (.+)$", block.text, re.M):
        there = importlib.import_module(module)
        assert not [name for name in names.split(", ") if not hasattr(there, name)]


@pytest.mark.slow
def test_the_example_method_trains(demo_folder):
    """The file, the line and the YAML of docs/add_a_method.md, on the smoke demo's walkers and VEN."""
    blocks = {block.value: block.text for block in code_blocks() if block.mark == "method"}
    folder, _ = demo_folder
    whole = yaml.safe_load((folder / "demo/configs/seed0/mimicgait_gaitbase_walkers.yaml").read_text())
    whole["model_cfg"], whole["loss_cfg"] = {}, None
    cfgs = merge(yaml.safe_load(blocks["yaml"]), whole)
    for key in ("backbone", "ven"):
        cfgs["model_cfg"][key]["cfgs"] = str(folder / "demo/configs/seed0" / Path(cfgs["model_cfg"][key]["cfgs"]).name)
    (folder / "demo/configs/seed0/example.yaml").write_text(yaml.safe_dump(cfgs))
    (folder / "guidedtriplet.py").write_text(blocks["file"])
    program = f"""
import importlib.util, sys
from opengait_mimic.host import register
spec = importlib.util.spec_from_file_location("opengait_mimic.models.guidedtriplet", {str(folder / "guidedtriplet.py")!r})
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return spec if name == spec.name else None
sys.meta_path.insert(0, Finder)
sys.modules["opengait_mimic.host.register"].REGISTERED["modeling.models"]["GuidedTriplet"] = spec.name
from opengait_mimic.cli.launcher import main
sys.exit(main())
"""
    arguments = ["--cfgs", "demo/configs/seed0/example.yaml", "--host", "embedded", "--output", "demo/output"]
    done = run_python(["-c", program, *arguments], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((folder / "demo/output/walkers/GuidedTriplet").rglob("*.pt"))


@pytest.mark.slow
def test_every_ablation_trains(demo_folder):
    """The rows of the paper's tables 3 and 4, four steps each."""
    folder, _ = demo_folder
    files = [write_ablation(block, folder).name for block in code_blocks("yaml") if block.mark == "ablation"]
    methods = ",".join(["baseline2", "occlusionaware", *(file for file in files if not file.startswith("ven"))])
    done = run_command(f"opengait-mimic demo --smoke --no-preflight --host embedded --methods {methods}", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout[done.stdout.index("method ") :]
    rows = ("Baseline-2", "OcclusionAware", "MimicGait l2", "MimicGait vanilla", "MimicGait cross_entropy", "MimicGait class_only")
    assert not [row for row in rows if f"{row} " not in table], table


# --- what commands print


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory):
    """A folder with the smoke demo in ``demo``, and what the demo printed."""
    folder = tmp_path_factory.mktemp("docs")
    done = run_command("opengait-mimic demo --smoke --host embedded", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def shape_of(line: str) -> str:
    """A line with every number as #, spaces and rules collapsed."""
    line = re.sub(r"[+-]?\d+(?:\.\d+)*(?:e-?\d+)?(?:\+\w+)?|(?<=\s)-(?=\s|$)", "#", line)
    return re.sub(r"-{2,}", "--", re.sub(r"\s+", " ", line)).strip()


def find_missing_line(page: str, printed: str) -> str | None:
    """The first line of a page's block that the output lacks, in order. ``...`` stands for anything, in a line or for lines."""
    lines = [shape_of(line) for line in printed.splitlines()]
    for expected in (shape_of(line) for line in page.splitlines()):
        if expected in ("", "..."):
            continue
        pattern = re.compile(".*".join(map(re.escape, expected.split("..."))))
        at = next((i for i, line in enumerate(lines) if pattern.fullmatch(line)), None)
        if at is None:
            return expected
        lines = lines[at + 1 :]
    return None


@pytest.mark.slow
@pytest.mark.parametrize("block", **of([b for b in code_blocks("text") if b.mark == "printed by"]))
def test_commands_print_what_the_page_shows(block, demo_folder):
    folder, of_demo = demo_folder
    if "demo --smoke" in block.value:
        printed = of_demo
    else:
        done = run_command(block.value, folder)
        assert done.returncode == (1 if "compare" in block.value else 0), done.stdout + done.stderr  # 1: something differs
        printed = done.stdout
    missing = find_missing_line(block.text, printed)
    assert missing is None, f"{block.page} shows {missing!r}; {block.value} printed\n{printed}"


def test_the_matcher_notices_a_wrong_line():
    printed = "side  Rank-1\n----  ------\nprobe   8.06 [0.1, 0.2]\nboth   16.25\n"
    assert find_missing_line("side Rank-1\n...\nboth 3.00", printed) is None
    assert find_missing_line("side Rank-5\nwhole 1", printed) == "whole #"
    assert find_missing_line("both 1\nprobe 2", printed) == "probe #"
