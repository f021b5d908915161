"""`waggle run --on ray`: each worker makes the models and steps for itself, from the plan and what is in force."""

from __future__ import annotations

from pathlib import Path

from waggledance.cli._config import InForce
from waggledance.cli._run_models import models_of, pipeline_with
from waggledance.tasks import BatchFile, Pipeline


def pipeline_at_worker(plan: Path, force: InForce, in_flight: int) -> Pipeline:
    """Return a plan's pipeline in the process this is called in.

    Args:
        plan: the file, under the same path on every machine of the cluster; beside it the modules that it names.
        force: settings of the command that started the batch; keys are read from each machine's own environment.
        in_flight: rows under way at once over all workers.

    Raises:
        UsageError: the plan cannot be read here, or makes no sense.
        ModelError: a model cannot be used on this machine.
    """
    read = BatchFile(plan)
    return pipeline_with(read, models_of(read, force, in_flight), force)
