"""Rows through three plain Ray actors on a local cluster of two nodes, one call an actor a row, results passed by reference."""

import os
from typing import Any

from _rows import ROLES, at_most, measured, think

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


class Role:
    def __init__(self, role: str) -> None:
        self.role = role

    async def ask(self, text: str, delay_s: float) -> str:
        return await think(self.role, text, delay_s)


HELD: dict[str, Any] = {}


def actors() -> list[Any]:
    """Start cluster and actors, once."""
    if not HELD:
        import ray
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 2, "object_store_memory": 100_000_000}
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        cluster.add_node(**node)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        made = ray.remote(num_cpus=1, max_concurrency=10_000)(Role)
        HELD["cluster"], HELD["actors"] = cluster, [made.remote(role) for role in ROLES]
    return HELD["actors"]


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    roles = actors()

    async def one(row: dict[str, Any]) -> str:
        answer: Any = row["text"]
        for role in roles:
            answer = role.ask.remote(answer, delay_s)
        said: str = await answer
        return said

    return await at_most(in_flight, count, one)


measured(work, "ray")
