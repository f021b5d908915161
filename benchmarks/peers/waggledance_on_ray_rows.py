"""Rows through the same three steps on a local Ray cluster of two nodes; starting the workers is counted."""

import os
import time
from typing import Any

from _rows import measured, rows, think

from waggledance.tasks import Pipeline, Row, run_on_ray, step

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
HELD: dict[str, Any] = {}


def pipeline(delay_s: float) -> Pipeline:
    @step
    async def generate(row: Row) -> str:
        return await think("generate", row.data["text"], delay_s)

    @step
    async def review(generate: str) -> str:
        return await think("review", generate, delay_s)

    @step
    async def decide(review: str) -> str:
        return await think("decide", review, delay_s)

    return Pipeline([generate, review, decide])


def start() -> None:
    """Start the cluster, once."""
    if not HELD:
        import _rows
        import ray
        from ray.cluster_utils import Cluster

        ray.cloudpickle.register_pickle_by_value(_rows)
        node = {"num_cpus": 2, "object_store_memory": 100_000_000}
        HELD["cluster"] = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        HELD["cluster"].add_node(**node)
        ray.init(address=HELD["cluster"].address, log_to_driver=False, logging_level="ERROR")


async def work(count: int, in_flight: int, delay_s: float) -> tuple[float, list[str]]:
    start()
    given, out = rows(count), list[str]()
    began = time.perf_counter()
    await run_on_ray(pipeline(delay_s), given, in_flight=in_flight, out=lambda row: out.append(row.results["decide"]))
    return time.perf_counter() - began, out


measured(work, "ray")
