"""Two processes write the passes of one."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from opengait_mimic.evaluation.embeddings import embed_all, embedding_file
from opengait_mimic.evaluation.embeddings.cache import cache_file
from tests.evaluation.embeddings.scene import BLOCK, MIMIC, folder, same
from tests.host_runs import good, two_processes

WORKER = """
import json, sys
from opengait_mimic import host as hosts
from opengait_mimic.training.launch import start_log
from opengait_mimic.models.prepare import prepare
from opengait_mimic.evaluation.embeddings import embed_all
host, output, file, block, batch = sys.argv[1:]
hosts.bind(host, "cpu", output)
cfgs = prepare(file, "embed")
start_log(cfgs, False, False, quiet=True)
seen = []
found = embed_all(cfgs, [None, json.loads(block)], int(batch), progress=lambda done, total: seen.append((done, total)))
assert seen == sorted(seen) and seen[-1][0] == seen[-1][1]
sys.stdout.write(f"passes {len(found)}\\n")  # one write: two processes share the pipe
hosts.leave()
"""


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3])
def test_two_processes_write_the_passes_of_one(prepared, trained, output, host_spec, tmp_path, batch):
    """Facts bit for bit; embeddings to 1e-5 of the largest value, and one by one bit for bit. The last batch is padded."""
    cfgs = prepared(MIMIC)
    own = tmp_path / "output"
    shutil.copytree(output, own)
    shutil.rmtree(own / folder(cfgs).relative_to(output), ignore_errors=True)
    one = embed_all(cfgs, [None, BLOCK], batch=batch, cache=False)
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    words = [host_spec, own, trained.files[MIMIC], json.dumps(BLOCK), batch]
    printed = good(*two_processes(), script, *words, cwd=tmp_path)
    assert sorted(line for line in printed.splitlines() if line.startswith("passes")) == ["passes 0", "passes 2"]
    kept = own / folder(cfgs).relative_to(output)
    assert len(list(kept.iterdir())) == 2
    two = [embedding_file.load(kept / cache_file(cfgs, a.meta["key"]).name, a.meta["key"]) for a in one]
    for a, b in zip(one, two):
        assert a.meta == b.meta
        if batch == 1:
            same(a, b)
        else:
            same(a._replace(embeddings=0, ven_hidden=0), b._replace(embeddings=0, ven_hidden=0))
            assert np.abs(a.embeddings - b.embeddings).max() <= 1e-5 * np.abs(a.embeddings).max()
            assert np.abs(a.ven_hidden - b.ven_hidden).max() <= 1e-5
