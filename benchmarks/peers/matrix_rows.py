"""Rows through three agents of Matrix (`fair-matrix`), each row an orchestrator that hops from actor to actor, to its sink.

Its own framework object runs the batch, on a local Ray cluster of two nodes; only the agents, which call the fake model
instead of a service, and the loader of the rows are ours.
"""

import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ["PYTHONPATH"] = str(Path(__file__).parent)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from _rows import ROLES, measured, rows, think
from matrix.agents.p2p_agents import AgentActor, BaseDatasetLoader, P2PAgentFramework, SequentialOrchestrator

HELD: dict[str, Any] = {}


class Role(AgentActor):
    async def preprocess(self, orchestrator: Any) -> str:
        if orchestrator.history:
            return (await orchestrator.history[-1].response.to_dict())["text"]
        return (await orchestrator.get_task())["text"]

    async def process(self, orchestrator: Any, response: str) -> dict[str, Any]:
        return {"text": await think(self.agent_id, response, self.config["delay_s"]), "status_ok": True}

    @classmethod
    async def get_task_message(cls, config: Any, task: dict[str, Any]) -> None:
        return None


class ThreeHops(SequentialOrchestrator):
    def __init__(self, interaction_order: list[str]) -> None:
        super().__init__(interaction_order)
        self._id = os.urandom(8).hex()

    async def is_done(self) -> bool:
        return len(self.history) == len(self.interaction_order)


class Rows(BaseDatasetLoader):
    def __init__(self, count: int) -> None:
        self.count = count

    def load_data(self) -> Any:
        yield from rows(self.count)

    def total_count(self) -> int:
        return self.count


def start() -> None:
    """Start the cluster, once."""
    if not HELD:
        import ray
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 4, "object_store_memory": 100_000_000}
        HELD["cluster"] = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        HELD["cluster"].add_node(**node)
        ray.init(address=HELD["cluster"].address, log_to_driver=False, logging_level="ERROR")


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    from omegaconf import OmegaConf

    start()
    logging.disable(logging.WARNING)
    output = Path(tempfile.mkdtemp(), "out.jsonl")
    role = {"_target_": "matrix_rows.Role", "debug": False, "delay_s": delay_s, "num_instances": 1}
    framework = P2PAgentFramework(
        1,
        OmegaConf.create(
            {
                "simulation_id": f"rows{time.monotonic_ns()}",
                "matrix": {"cluster_id": None, "matrix_dir": tempfile.mkdtemp()},
                "max_concurrent_tasks": in_flight,
                "rate_limit_enqueue": False,
                "debug": False,
                "seed": 42,
                "num_trial": 1,
                "dead_orchestrator_tracking": False,
                "output": {"path": str(output), "success_only": False},
                "dataset": {"_target_": "matrix_rows.Rows", "count": count},
                "orchestrator": {"_target_": "matrix_rows.ThreeHops", "interaction_order": list(ROLES)},
                "agents": {
                    "_sink": {
                        "_target_": "matrix.agents.p2p_agents.Sink",
                        "debug": False,
                        "dead_orchestrator_tracking": False,
                        "max_concurrent_tasks": in_flight,
                        "ray_resources": {"num_cpus": 1},
                    },
                    **{name: {**role, "ray_resources": {"num_cpus": 1}} for name in ROLES},
                },
            }
        ),
    )
    began = time.perf_counter()
    await framework.run_simulation()
    took_s = time.perf_counter() - began
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return took_s, [line["history"][-1]["response"]["text"] for line in lines]


if __name__ == "__main__":
    measured(work, "fair-matrix")
