"""Run sheets: a JSON file beside every checkpoint and every result that says what made it, so that two can be compared.

Beside ``X.pt`` and ``X.json`` stands ``X.run.json``, in a result folder (beside ``results.json``) ``run.json``. A training's holds:

================  ====================================================================================================================
key               what
================  ====================================================================================================================
``format``        `FORMAT`; ``format_version``: `VERSION`; ``what``: ``training``, ``test`` or (in memory alone) ``recipe``
``iteration``     of the checkpoint; ``of``: the last one of the schedule (``trainer_cfg.total_iter``); ``batches``: handed out until then
``checkpoint``    SHA-256 of the file
``inputs``        all that decides the weights, defaults filled in, files by their SHA-256, the data by a sample
                  (`opengait_mimic.training.inputs.training_inputs`)
``test``          all of the YAML that decides a test, likewise
``batch``         ``clips`` of a step over all processes (``P``, ``K``), clips ``per_process``, and those that one BatchNorm statistic is of
``trained_on``    what was hidden of the data (`opengait_mimic.training.trained_on`)
``upstream``      ``teacher`` and ``ven``: the same of the training that made them, as far as a sheet lies beside their checkpoints
``precision``     float32, float16 or bfloat16, as it was computed
``seed``          ``trainer_cfg.seed``
``starts``        every start of this training: ``iteration``, ``batch``, ``processes``, ``date``; what ``changed`` since the one before
``machine``       ``processes``, ``devices``, ``threads``, ``versions``, plugin and host with commit and whether their files differ from it
                  (``dirty``), a hash of the ``code``
``command``       as it was given; ``launcher``: torchrun, or null
``config``        the merged configuration; ``config_hash``: see `opengait_mimic.evaluation.provenance.config_hash`
``date``          UTC
================  ====================================================================================================================

A test's holds ``test``, ``machine``, ``command``, ``config`` and ``date``, ``provenance`` (as the result has it; null for a stage of a
pipeline) and ``training``: the sheet of the checkpoint, or null. ``command`` and ``config`` hold paths of the machine.
"""

from .recipes import recipe
from .results import write_result_sheet
from .training import of_checkpoint, start, write_beside
from .words import FORMAT, VERSION, beside, read_sheet

__all__ = ["FORMAT", "VERSION", "beside", "of_checkpoint", "read_sheet", "recipe", "start", "write_beside", "write_result_sheet"]
