"""What a swarm remembers: one store of records, and views of it."""

from waggledance.memory._fusion import fused as fused
from waggledance.memory._kept import ANY as ANY
from waggledance.memory._kept import Found as Found
from waggledance.memory._kept import Kept as Kept
from waggledance.memory._kept import Mode as Mode
from waggledance.memory._kept import Where as Where
from waggledance.memory._memory import Memory as Memory
from waggledance.memory._record import PRIVATE as PRIVATE
from waggledance.memory._record import TEAM as TEAM
from waggledance.memory._record import Record as Record
from waggledance.memory._record import Recorded as Recorded
from waggledance.memory._record import RecordId as RecordId
from waggledance.memory._record import may_see as may_see
from waggledance.memory._record import publish as publish
from waggledance.memory._record import shared as shared
from waggledance.memory._store import MemoryFull as MemoryFull
from waggledance.memory._store import RecordStore as RecordStore

__all__ = [
    "ANY",
    "PRIVATE",
    "TEAM",
    "Found",
    "Kept",
    "Memory",
    "MemoryFull",
    "Mode",
    "Record",
    "RecordId",
    "RecordStore",
    "Recorded",
    "Where",
    "fused",
    "may_see",
    "publish",
    "shared",
]
