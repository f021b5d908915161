"""How fast the embedded model is: one agent alone, eight together, with and without a shared beginning.

    python benchmarks/embedded.py [--model embedded:smollm2-135m] [--agents 8] [--tokens 64] [--repeats 3]

Ratios compare runs of the same process; the best of the repeats counts, as other work on the machine only slows.
Needs the weights: `waggle models get smollm2-135m`.
"""

import argparse
import asyncio
import os
import platform
from time import perf_counter

from waggledance.models import Completion, Model, Request, Turn, model

STORY = (
    "A swarm of honeybees has left its hive and hangs on a branch. Scouts fly out to find a new home. "
    "One found a hollow oak with a small entrance facing south, one an old chimney that is dry but draughty, "
    "and one a wooden box with a large entrance near a stream. They come back and report. "
)


def prompt(run: str, agent: int, *, shared: bool) -> str:
    """A question of some 250 tokens, new in every run; its beginning is the same for all agents, or is not."""
    mine = f"You are scout {agent}. "
    return f"Run {run}. {STORY * 3}{mine}Which one?" if shared else f"{mine}Run {run}. {STORY * 3}Which one?"


def ask(text: str, tokens: int, seed: int = 0) -> Request:
    return Request(turns=(Turn("user", text),), max_tokens=tokens, seed=seed, timeout_s=600.0)


async def timed(asked: Model, requests: list[Request]) -> tuple[float, list[Completion]]:
    started = perf_counter()
    completions = await asyncio.gather(*(asked.complete(request) for request in requests))
    return perf_counter() - started, list(completions)


def rate(seconds: float, completions: list[Completion]) -> float:
    return sum(completion.completion_tokens for completion in completions) / seconds


async def measure(spec: str, agents: int, tokens: int, repeats: int) -> None:
    asked = model(spec)
    load_s, _ = await timed(asked, [ask("hi", 1)])
    print(f"{asked.name} on {platform.machine()}, {os.cpu_count()} cores; {agents} agents, {tokens} tokens each")
    print(f"  load, and one token                        {load_s:8.2f} s")
    best: dict[str, float] = {}
    whole = 0
    evaluated: dict[str, int] = {}
    for repeat in range(repeats):
        arms = {
            "alone": [ask(prompt(f"a{repeat}", 0, shared=True), tokens)],
            "together, own prompts": [
                ask(prompt(f"b{repeat}", agent, shared=False), tokens) for agent in range(agents)
            ],
            "together, shared beginning": [
                ask(prompt(f"c{repeat}", agent, shared=True), tokens) for agent in range(agents)
            ],
            "decode alone": [ask(f"Tell story {repeat}.", 3 * tokens)],
            "decode together": [ask(f"Tell {agent} story {repeat}.", 3 * tokens) for agent in range(agents)],
        }
        for arm, requests in arms.items():
            seconds, completions = await timed(asked, requests)
            best[arm] = max(best.get(arm, 0.0), rate(seconds, completions))
            evaluated[arm] = sum(completion.evaluated_prompt_tokens or 0 for completion in completions)
            if arm == "together, shared beginning":
                whole = sum(completion.prompt_tokens for completion in completions)
    alone = best["alone"]
    for arm in ("alone", "together, own prompts", "together, shared beginning"):
        print(f"  a new question, {arm:27}{best[arm]:8.1f} tokens/s  x {best[arm] / alone:.2f}")
    ratio = best["decode together"] / best["decode alone"]
    print(f"  short prompt, alone {'':23}{best['decode alone']:8.1f} tokens/s  x 1.00")
    print(f"  short prompt, together {'':20}{best['decode together']:8.1f} tokens/s  x {ratio:.2f}")
    print(f"  prompt tokens computed, own prompts        {evaluated['together, own prompts']:8,}")
    print(f"  prompt tokens computed, shared beginning   {evaluated['together, shared beginning']:8,} of {whole:,}")
    await asked.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="embedded:smollm2-135m")
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    asyncio.run(measure(chosen.model, chosen.agents, chosen.tokens, chosen.repeats))


if __name__ == "__main__":
    main()
