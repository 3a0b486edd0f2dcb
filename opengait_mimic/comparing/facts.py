"""What a run sheet tells, sorted by what it decides. Pure."""

from __future__ import annotations

import os.path

RECIPE = (
    "model", "losses", "batch", "steps", "schedule", "optimiser", "occlusion", "sampler", "transforms", "training", "teacher", "ven",
    "data", "test",
)  # fmt: skip
"""Groups of facts that are the recipe: what decides the weights, the heaviest first, then the test."""
REST = ("precision", "processes", "versions", "places")
"""Groups of facts that a recipe leaves to the machine."""
UNTOLD = type("Untold", (), {"__repr__": lambda self: "not told"})()
"""The value of a fact that a sheet does not tell."""

SCHEDULE, OPTIMISER, PRECISION = ("warm_up", "T_max_iter"), ("clip_gradients",), ("enable_float16", "bfloat16")
GROUPED = ("seed", "occlusion", "sampler", "transform", *SCHEDULE, *OPTIMISER, *PRECISION)  # keys of trainer_cfg that have a group
PLACES = ("save_name", "save_iter", "log_iter", "with_test", "keep_last", "keep_best", "bad_steps")  # of trainer_cfg; no weight changes


def facts(sheet: dict) -> dict:
    """Group -> a tree of what the sheet tells of it: mappings, and leaves that may be `UNTOLD`.

    Args:
        sheet: of a training, a test or a recipe; see `opengait_mimic.run_sheet`.
    """
    trained = (sheet.get("training") or {}) if sheet["what"] == "test" else sheet
    machine = trained.get("machine") or {}
    own = {
        "test": {"": _test(sheet["test"]) if sheet.get("test") else UNTOLD, "result": _result(sheet.get("provenance"))},
        "precision": {
            "training": _told(trained.get("precision")),
            "float16 in the test": _told((sheet.get("test") or {}).get("enable_float16")),
        },
        "processes": {
            "processes": _told(machine.get("processes")),
            "clips of each": _told((trained.get("batch") or {}).get("per_process")),
            "threads": _told(machine.get("threads")),
            "seed": _told(trained.get("seed")),
            "starts": _starts(trained.get("starts")),
        },
        "versions": {"training": _versions(machine), "test": _versions(sheet.get("machine")) if sheet["what"] == "test" else UNTOLD},
        "places": _places(sheet),
    }
    return {**dict.fromkeys(RECIPE, UNTOLD), **weights(trained), **own}


def weights(sheet: dict) -> dict:
    """The groups that decide the weights, of a training, a recipe or the summary of one; empty where it does not tell its inputs."""
    inputs = sheet.get("inputs")
    if not inputs:
        return {}
    trainer, model, data = inputs["trainer_cfg"], dict(inputs["model_cfg"]), dict(inputs["data_cfg"])
    upstream, batch = sheet.get("upstream") or {}, sheet.get("batch") or {}
    networks = {key: _network(model.pop(key, None), upstream.get(key)) for key in ("teacher", "ven")}
    hint = trainer.get("restore_hint")
    before = [] if hint == 0 else (sheet.get("trained_on") or {}).get("before", UNTOLD)
    other = {key: value for key, value in trainer.items() if key not in (*GROUPED, *PLACES, "restore_hint")}
    starts_from = {key: _told(value) if key == "weights" else value for key, value in hint.items()} if isinstance(hint, dict) else hint
    partition, sample = (_told(data.pop(key, None)) for key in ("dataset_partition", "dataset_root"))
    return {
        "model": model,
        "losses": by_name(inputs["loss_cfg"], "log_prefix"),
        "batch": {"P x K": _clips(batch), "clips of a BatchNorm statistic": _told(batch.get("batchnorm"))},
        "steps": _steps(sheet, inputs["scheduler_cfg"]),
        "schedule": {**inputs["scheduler_cfg"], **{key: trainer[key] for key in SCHEDULE if key in trainer}},
        "optimiser": {**inputs["optimizer_cfg"], **{key: trainer[key] for key in OPTIMISER if key in trainer}},
        "occlusion": {"": trainer.get("occlusion"), "trained before on": before},
        "sampler": _sampler(trainer["sampler"]),
        "transforms": _transforms(trainer.get("transform")),
        "training": {**other, "starts from": None if starts_from == 0 else starts_from},
        **networks,
        "data": {"identities (partition)": partition, "clips (sample)": sample, **data},
    }


def by_name(blocks: list, key: str = "type") -> dict:
    """Blocks of a list by their ``key``, else their ``type``; a second one of a name as ``name 2``. One of a type alone is true."""
    found: dict = {}
    for block in blocks:
        name = str(block.get(key, block.get("type")))
        count = sum(each.partition(" ")[0] == name for each in found)
        rest = {each: value for each, value in block.items() if each != key}
        found[f"{name} {count + 1}" if count else name] = rest or True
    return found


FRAMES = {"fixed": ("frames_num_min", "frames_num_max"), "unfixed": ("frames_num_fixed",)}
"""What the host reads no further under a ``sample_type`` that begins so; under ``all`` neither."""


def _sampler(block: dict) -> dict:
    how = str(block.get("sample_type")).partition("_")[0]
    unread = FRAMES.get(how, ("frames_num_fixed", "frames_num_min", "frames_num_max"))
    return {key: value for key, value in block.items() if key not in (*unread, "batch_size")}


def _told(value):
    return UNTOLD if value is None else value


def _clips(batch: dict):
    if not batch:
        return UNTOLD
    return f"{batch['P']} x {batch['K']} = {batch['clips']} clips" if batch["P"] else f"{batch['clips']} clips"


def _steps(sheet: dict, schedule: dict) -> dict:
    done, drops, starts = sheet["iteration"], schedule.get("milestones"), sheet.get("starts")
    changed: object = [] if sheet.get("what") == "recipe" or starts is None else UNTOLD
    if starts and None not in [each["changed"] for each in starts]:
        changed = [f"at {each['iteration']}: {line}" for each in starts for line in each["changed"]]
    counted = isinstance(drops, list) and all(isinstance(at, (int, float)) for at in drops)
    passed = f"{sum(at <= done for at in drops)} of {len(drops)}" if counted else None
    return {"done": done, "drops of the rate passed": passed, "changed on the way": changed}


def _transforms(blocks) -> dict | None:
    """Of each input its steps by name, and their order; without a name for a single input."""
    if not isinstance(blocks, list):
        return blocks
    inputs = [_steps_of(block) for block in blocks]
    made = [{**by_name(steps), "order": [step.get("type") for step in steps]} for steps in inputs]
    return made[0] if len(made) == 1 else {f"input {i}": each for i, each in enumerate(made)}


def _steps_of(block: dict | None) -> list[dict]:
    """The steps of one input, also of a ``Compose``; null does nothing."""
    steps = block["trf_cfg"] if isinstance(block, dict) and isinstance(block.get("trf_cfg"), list) else [block]
    return [step for step in steps if isinstance(step, dict)]


def _network(block: dict | None, training: dict | None) -> dict | None:
    """A teacher or a VEN: its weights, and what is known of the training that made them."""
    if block is None:
        return None
    known = {key: value for key, value in weights(training or {}).items() if not (key in ("teacher", "ven") and value is None)}
    return {"weights": _told(block.get("checkpoint")), "training": known or UNTOLD}


def _test(found: dict) -> dict:
    data = found.get("data") or {}
    told = {
        "data set": data.get("name"),
        "identities (partition)": _told(data.get("partition")),
        "clips (sample)": _told(data.get("sample")),
    }
    rest = {key: value for key, value in found.items() if key not in ("data", "enable_float16")}
    return {
        **told,
        **rest,
        "occlusion": _told(found.get("occlusion")),
        "transform": _transforms(found.get("transform")),
        "sampler": _sampler(found["sampler"]),
    }


def _result(source: dict | None):
    if source is None:
        return UNTOLD
    names = {
        "method": "method", "preset": "cells", "seeds": "seeds", "occlusion": "conditions", "protocol_name": "protocol",
        "protocol_hash": "content of the protocol", "pairs": "pairs", "data": "test data", "hp": "weights of HP", "manifest": "manifest",
    }  # fmt: skip
    return {title: source.get(key) for key, title in names.items()}


def _starts(starts: list | None):
    def said(iteration, processes):
        return f"at {iteration} by {processes} process{'es' if processes > 1 else ''}"

    return [said(each["iteration"], each["processes"]) for each in starts] if starts else UNTOLD


def _versions(machine: dict | None):
    if not machine:
        return UNTOLD
    kept = {key: value for key, value in machine.items() if key not in ("processes", "threads", "versions")}
    return {**kept, **(machine.get("versions") or {})}


def _places(sheet: dict) -> dict:
    config = sheet.get("config")
    if not config:
        return UNTOLD
    data, trainer, evaluator = config["data_cfg"], config["trainer_cfg"], config["evaluator_cfg"]
    found = {f"data_cfg.{key}": data.get(key) for key in ("dataset_root", "dataset_partition", "num_workers", "cache")}
    for key in ("data_cfg.dataset_root", "data_cfg.dataset_partition"):
        found[key] = found[key] and os.path.normpath(found[key])
    found.update({f"trainer_cfg.{key}": trainer.get(key) for key in (*PLACES, "total_iter")})
    found["evaluator_cfg.restore_hint"] = evaluator.get("restore_hint")
    return {**found, "command": " ".join(sheet["command"]) if "command" in sheet else UNTOLD}
