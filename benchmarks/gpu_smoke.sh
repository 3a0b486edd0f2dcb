#!/usr/bin/env bash
# Does everything run on a GPU? One command for any machine that has one, on generated walkers, in a temporary folder:
#
#     benchmarks/gpu_smoke.sh [--host PATH]     # PATH: an OpenGait checkout, copied and patched; default: the embedded host
#
# 1. with --host, OpenGait's own main.py under torchrun, a process per visible GPU: NCCL, mixed precision, SyncBatchNorm
# 2. our pipeline under torchrun, a process per visible GPU: teacher, VEN, MimicGait and their tests
# 3. our launcher on the first GPU: train and test of teacher, VEN, Baseline-2 and MimicGait, mixed precision
# 4. opengait-mimic evaluate
#
# Prints versions, GPUs, and seconds and peak memory of each stage; checks exit codes and that every loss is finite. Ends with
# "gpu smoke: ok" (0), the command that failed (1), or at once where torch sees no GPU (2). PYTHON chooses the interpreter.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python}
export DEVICE=${DEVICE:-cuda} # cpu: a dry run of these lines with two gloo processes
export PYTHONPATH="$repo${PYTHONPATH:+:$PYTHONPATH}" TQDM_DISABLE=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-4}
unset OPENGAIT_ROOT
host=embedded steps=6
case "$#:${1:-}" in
0:) ;;
2:--host) [ "$2" = embedded ] || host=$(cd "$2" && pwd) ;;
*) echo "usage: $0 [--host PATH]" >&2 && exit 1 ;;
esac

gpus=$("$python" -c 'import torch; print(torch.cuda.device_count())')
if [ "$DEVICE" = cpu ]; then
    echo "DRY RUN on CPUs: no GPU, no NCCL, no mixed precision is tried" && gpus=2
    export CUDA_VISIBLE_DEVICES=
    first=
elif [ "$gpus" = 0 ]; then
    echo "gpu smoke: torch sees no GPU here, nothing was run" >&2
    exit 2
else
    first=${CUDA_VISIBLE_DEVICES:-0} && first=${first%%,*}
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" - <<'EOF'
import platform

import kornia
import numpy
import torch

import opengait_mimic

print(f"opengait_mimic {opengait_mimic.__version__}  python {platform.python_version()}  torch {torch.__version__}  numpy {numpy.__version__}  kornia {kornia.__version__}")
for number in range(torch.cuda.device_count()):
    found = torch.cuda.get_device_properties(number)
    print(f"cuda:{number} {found.name}, {found.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}, NCCL {'.'.join(map(str, torch.cuda.nccl.version()))}")
EOF

"$python" - "$work" "$steps" "$gpus" <<'EOF'
import sys
from pathlib import Path

import yaml

from opengait_mimic import host
from opengait_mimic.data.walkers import write_walkers
from opengait_mimic.workflows.demo_study import Size, find_configuration, write_configurations

work, steps, gpus = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
host.bind("embedded", "cpu", work / "output")  # paths in YAML files are resolved by the host
tree = write_walkers(work / "walkers", subjects=14, seed=0)
data = {"dataset_root": str(tree.root), "dataset_partition": str(tree.partition), "dataset_name": "walkers", "test_dataset_name": "walkers"}
methods = [find_configuration(name) for name in ("baseline2", "mimicgait")]
files = write_configurations(work / "configs", methods, Size(14, steps, steps), data, len(tree.train), 0)
for name, file in zip(("teacher", "ven", "baseline2", "mimicgait"), files, strict=True):
    cfgs = yaml.safe_load(file.read_text())
    cfgs["trainer_cfg"].update(enable_float16=True, sync_BN=True, log_iter=1)
    cfgs["trainer_cfg"]["sampler"]["batch_size"] = [min(8, len(tree.train)), max(2, gpus)]
    cfgs["evaluator_cfg"]["enable_float16"] = True
    for block in ("backbone", "teacher", "ven"):
        if cfgs["model_cfg"].get(block):
            cfgs["model_cfg"][block]["cfgs"] = str(file.parent / cfgs["model_cfg"][block]["cfgs"])
    cfgs["evaluator_cfg"]["sampler"]["batch_size"] = 1
    file.write_text(yaml.safe_dump(cfgs))
    cfgs["evaluator_cfg"]["sampler"]["batch_size"] = gpus  # the host's own main.py sets nothing
    (work / f"{name}.own.yaml").write_text(yaml.safe_dump(cfgs))
    (work / f"{name}.yaml").symlink_to(file)
EOF

cat >"$work/measured.py" <<'EOF'
"""measured.py STAGE SCRIPT|-m MODULE words...: run it and leave its peak memory in STAGE.<rank>, in MiB."""

import atexit
import os
import resource
import runpy
import sys
from pathlib import Path

import torch

stage, leave = f"{sys.argv[1]}.{os.environ.get('RANK', 0)}", os._exit


def note():
    """Peak GPU memory of this process; in a dry run its resident memory."""
    on_gpu = os.environ["DEVICE"] == "cuda"
    peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    Path(stage).write_text(f"{peak:.0f}\n")


def leaving(status):
    """os._exit, noted."""
    note()
    leave(status)


def dry(root):
    """Let OpenGait's own main.py start without GPUs."""
    from opengait_mimic import host
    from opengait_mimic.networks.batchnorm import gather_batchnorm

    world = int(os.environ["WORLD_SIZE"])
    host.bind(root, "cpu", "output")  # also starts the process group
    torch.distributed.init_process_group = lambda *_, **__: None
    torch.cuda.device_count = lambda: world
    torch.nn.SyncBatchNorm.convert_sync_batchnorm = gather_batchnorm


atexit.register(note)
os._exit = leaving
if sys.argv[2] == "-m":
    name, sys.argv = sys.argv[3], sys.argv[3:]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
else:
    sys.argv = sys.argv[2:]
    folder = Path(sys.argv[0]).resolve().parent
    sys.path[0] = str(folder)
    if os.environ["DEVICE"] == "cpu" and folder.name == "opengait":
        dry(folder.parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
EOF

# stage NAME TRAINS words...: run the words, check their output, print time and peak memory
stage() {
    local name=$1 trains=$2 begin=$SECONDS log="$work/$1.log" peak
    shift 2
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "gpu smoke: FAILED: $*" >&2
        exit 1
    fi
    if [ "$trains" = yes ] && ! grep -q "Iteration 0000$steps, " "$log" || grep "Iteration 0" "$log" | grep -Eiqw 'nan|inf'; then
        grep "Iteration 0" "$log" >&2 || tail -n 40 "$log" >&2
        echo "gpu smoke: FAILED (a loss is missing or not finite): $*" >&2
        exit 1
    fi
    peak=$(sort -n "$work/$name".[0-9]* | tail -n 1)
    printf '%-28s %4d s   peak %6s MiB   %s\n' "$name" $((SECONDS - begin)) "$peak" "$(grep -Eo 'Rank-1 [0-9.]+ %|accuracy: frames [0-9.]+ %' "$log" | tail -n 1 || true)"
}

# 1. OpenGait's own main.py, a copy with our patch
torchrun=("$python" -m torch.distributed.run --standalone "--nproc_per_node=$gpus" "$work/measured.py")
if [ "$host" != embedded ]; then
    mkdir "$work/OpenGait" && (cd "$host" && tar --exclude=./.git --exclude=./output -cf - .) | tar -C "$work/OpenGait" -xf -
    cd "$work/OpenGait"
    [ -f opengait/modeling/models/zz_opengait_mimic.py ] || git apply "$repo/patches/opengait-mimic.patch"
    main="$work/OpenGait/opengait/main.py"
    for name in teacher ven baseline2 mimicgait; do
        stage "main-$name" yes "${torchrun[@]}" "$work/main-$name" "$main" --cfgs "$work/$name.own.yaml" --phase train
        stage "main-$name-test" no "${torchrun[@]}" "$work/main-$name-test" "$main" --cfgs "$work/$name.own.yaml" --phase test --iter "$steps"
    done
fi

# 2. our pipeline on all GPUs
cd "$work"
words=(-m opengait_mimic.cli pipeline --cfgs "$(readlink "$work/mimicgait.yaml")" --host "$host" --device "$DEVICE" --output "$work/pipeline-output")
stage pipeline no "${torchrun[@]}" "$work/pipeline" "${words[@]}"
results="$work/pipeline-output/walkers/pipeline/MimicGait-MimicGait-seed0/results.json"
if ! grep -q '"rp_rank1"' "$results" || grep -Eiqw 'nan|infinity' "$results"; then
    echo "gpu smoke: FAILED: no scores, or a loss that is not finite, in the pipeline's results.json" >&2
    exit 1
fi

# 3. our launcher on one GPU, and 4. the evaluation
export CUDA_VISIBLE_DEVICES=$first
ours=(--host "$host" --device "$DEVICE" --output "$work/output")
for name in teacher ven baseline2 mimicgait; do
    launcher=(-m opengait_mimic --cfgs "$(readlink "$work/$name.yaml")" "${ours[@]}" --phase)
    stage "launcher-$name" yes "$python" measured.py "$work/launcher-$name" "${launcher[@]}" train
    stage "launcher-$name-test" no "$python" measured.py "$work/launcher-$name-test" "${launcher[@]}" test
done
stage evaluate no "$python" measured.py "$work/evaluate" -m opengait_mimic.cli evaluate --cfgs "$(readlink "$work/mimicgait.yaml")" "${ours[@]}" --json "$work/mimicgait.json"
grep -q '"rp_rank1"' "$work/mimicgait.json"
tail -n 8 "$work/evaluate.log"
if [ "$DEVICE" = cpu ]; then echo "gpu smoke: dry run ok, no GPU was used"; else echo "gpu smoke: ok"; fi
