"""Many rows through three steps, each at its own pace; a review sends drafts back, and a journal survives a kill."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from waggledance.tasks import Back, Pipeline, Row, RowJournal, Visit, run_rows, step


@step(timeout_s=30, retries=2, width=50)
async def draft(row: Row, visit: Visit) -> str:
    await asyncio.sleep(0.001)  # a model would be asked here, with visit.seed
    return f"{row.data['city']} is large" + ("." if row.trip("draft") else "")


@step(back=Back("draft", unless=lambda row: row.results["review"] == "yes", times=3))
async def review(draft: str) -> str:
    return "yes" if draft.endswith(".") else "no: end the sentence"


@step
async def decide(row: Row, draft: str, review: str) -> str:
    return f"{row.id}: {draft}"


pipeline = Pipeline([draft, review, decide])
rows = [{"id": str(i), "city": city} for i, city in enumerate(("Lima", "Oslo", "Pune") * 100)]

with TemporaryDirectory() as folder, RowJournal(Path(folder) / "cities.journal", pipeline) as journal:
    report = asyncio.run(run_rows(pipeline, rows, in_flight=100, journal=journal))

print(f"{report.done} rows, {report.cost.calls} calls, {report.seconds:.2f} s; the last: {report.ended[-1].results}")

assert report.done == 300
assert report.ended[1].results["decide"] == "1: Oslo is large."
assert report.ended[1].hops == ["draft", "review", "draft", "review", "decide"]
