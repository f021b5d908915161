"""Which arrangement of which peers gives a better answer for the same spend: comparisons, banks, predictions."""

from waggledance.lab._arm import Arm as Arm
from waggledance.lab._arm import Weigh as Weigh
from waggledance.lab._benchmark import Benchmark as Benchmark
from waggledance.lab._crowd import Crowd as Crowd
from waggledance.lab._crowd import Seated as Seated
from waggledance.lab._score import RunLog as RunLog
from waggledance.lab._score import Score as Score
from waggledance.lab._task import Task as Task

__all__ = [
    "Arm",
    "Benchmark",
    "Crowd",
    "RunLog",
    "Score",
    "Seated",
    "Task",
    "Weigh",
]
