"""How messages get from peer to peer: in one process, in a simulator, and on a mesh."""

from waggledance.network._delay import Constant as Constant
from waggledance.network._delay import Delay as Delay
from waggledance.network._delay import Exponential as Exponential
from waggledance.network._delay import LogNormal as LogNormal
from waggledance.network._delay import Uniform as Uniform
from waggledance.network._faults import Crash as Crash
from waggledance.network._faults import Equivocate as Equivocate
from waggledance.network._faults import Fault as Fault
from waggledance.network._faults import Lie as Lie
from waggledance.network._faults import Partition as Partition
from waggledance.network._faults import Pause as Pause
from waggledance.network._faults import Restart as Restart
from waggledance.network._faults import Silent as Silent
from waggledance.network._faults import Slow as Slow
from waggledance.network._faults import SlowLink as SlowLink
from waggledance.network._faults import touched as touched
from waggledance.network._gathering import SimulatedGathering as SimulatedGathering
from waggledance.network._lives import Crashed as Crashed
from waggledance.network._local import Local as Local
from waggledance.network._network import Gathering as Gathering
from waggledance.network._network import Listener as Listener
from waggledance.network._network import Network as Network
from waggledance.network._network import Overhears as Overhears
from waggledance.network._post import Post as Post
from waggledance.network._replica import Replica as Replica
from waggledance.network._simulated import Links as Links
from waggledance.network._simulated import Simulated as Simulated
from waggledance.network._sync import MAX_BATCH_BYTES as MAX_BATCH_BYTES
from waggledance.network._sync import Give as Give
from waggledance.network._sync import Have as Have
from waggledance.network._sync import Want as Want
from waggledance.network._sync import give as give
from waggledance.network._sync import have as have
from waggledance.network._sync import missing as missing
from waggledance.network._sync import wanted as wanted
from waggledance.network._virtual_loop import Deadlock as Deadlock
from waggledance.network._virtual_loop import Endless as Endless
from waggledance.network._virtual_loop import VirtualLoop as VirtualLoop
from waggledance.network._weather import Weather as Weather

__all__ = [
    "MAX_BATCH_BYTES",
    "Constant",
    "Crash",
    "Crashed",
    "Deadlock",
    "Delay",
    "Endless",
    "Equivocate",
    "Exponential",
    "Fault",
    "Gathering",
    "Give",
    "Have",
    "Lie",
    "Links",
    "Listener",
    "Local",
    "LogNormal",
    "Network",
    "Overhears",
    "Partition",
    "Pause",
    "Post",
    "Replica",
    "Restart",
    "Silent",
    "Simulated",
    "SimulatedGathering",
    "Slow",
    "SlowLink",
    "Uniform",
    "VirtualLoop",
    "Want",
    "Weather",
    "give",
    "have",
    "missing",
    "touched",
    "wanted",
]
