"""`waggle memory`: what is remembered on this machine, searched, shown, added to and forgotten."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waggledance.cli._ending import ending_well
from waggledance.cli._help import Commands

if TYPE_CHECKING:
    from waggledance.memory import Kept, RecordStore

memory = typer.Typer(
    cls=Commands, help="Search, show, add and forget what peers of this machine remember.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
File = Annotated[
    Path | None,
    typer.Option(
        "--memory", metavar="FILE", envvar="WAGGLE_MEMORY", help="The memory (default: in the user's data folder)."
    ),
]
Id = Annotated[
    str, typer.Argument(metavar="ID", help="A record's id or how it alone begins, as in `waggle memory show`.")
]
ID_DIGITS = 12


@memory.command("search")
@ending_well
def memory_search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words to look for; nothing in them is an operator.")],
    k: Annotated[int, typer.Option("-k", min=1, max=1_000, help="How many records at most.")] = 5,
    mode: Annotated[
        str, typer.Option(help="words, meaning or hybrid: by exact words, by meaning, or both.")
    ] = "hybrid",
    sort: Annotated[list[str] | None, typer.Option(help="Records of this sort only; may be given often.")] = None,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Print the records that fit a query best, best first."""
    from waggledance.cli._printing import print_json, print_table, say
    from waggledance.memory import Where

    with _opened(file) as store:
        found = store.search(query, k, Where(sorts=tuple(sort or ())), mode)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    if as_json:
        print_json({"found": [{**_plain(f.kept), "likeness_ppm": f.likeness_ppm, "score": f.score} for f in found]})
    elif found:
        print_table(("id", "sort", "scope", "like", "key", "text"), [
            (*_row(f.kept)[:3], "–" if f.likeness_ppm is None else f"{f.likeness_ppm / 1e6:.2f}", *_row(f.kept)[3:])
            for f in found
        ])  # fmt: skip
    else:
        say("nothing found")


@memory.command("show")
@ending_well
def memory_show(
    id: Annotated[
        str | None, typer.Argument(metavar="ID", help="A record's id or how it alone begins; all without.")
    ] = None,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Print one record whole, or all in a line each."""
    from waggledance.cli._printing import print_json, print_table, print_text
    from waggledance.cli._safe_text import safe

    with _opened(file) as store:
        if id is None:
            kept = store.records()
            if as_json:
                print_json({"records": [_plain(one) for one in kept]})
            else:
                print_table(("id", "sort", "scope", "key", "text"), [_row(one) for one in kept])
            return
        one = _meant(store, id)
        linked = [(relation, target) for relation, target in one.record.links]
    if as_json:
        print_json(_plain(one))
        return
    record = one.record
    print_text(f"{record.sort}, {record.scope}: {safe(record.key)}\nid {one.id.hex()}")
    print_text("\n".join(f"said by {author.hex()}" for author in one.authors))
    print_text("\n".join(f"{relation} {target.hex()[:ID_DIGITS]}" for relation, target in linked))
    print_text(safe(record.text))


@memory.command("add")
@ending_well
def memory_add(
    key: Annotated[str, typer.Argument(metavar="KEY", help="What it is found by: one line.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What it says; - reads it from stdin.")] = "",
    sort: Annotated[str, typer.Option(help="What it is: lower-case words joined by hyphens.")] = "finding",
    scope: Annotated[str, typer.Option(help="Who may see it: private, team, or a channel's name.")] = "private",
    file: File = None,
    as_json: Json = False,
) -> None:
    """Remember something. It is private unless another scope is given."""
    from waggledance.cli._printing import print_json, print_text
    from waggledance.core import UsageError
    from waggledance.memory import MAX_TEXT_CHARS, Record, RecordStore

    if not key.strip():
        raise UsageError('there is nothing to remember: say it, as in waggle memory add "we chose the slate roof"')
    words = sys.stdin.read() if text == "-" else text
    if len(words) > MAX_TEXT_CHARS:
        raise UsageError(
            f"a record's text has at most {MAX_TEXT_CHARS:,} characters, got {len(words):,}; keep it in parts"
        )
    record = Record.of(sort, key, words, scope=scope)
    with RecordStore(_place(file)) as store:
        id = store.put(record)
    if as_json:
        print_json({"id": id.hex()})
    else:
        print_text(id.hex()[:ID_DIGITS])


@memory.command("forget")
@ending_well
def memory_forget(id: Id, file: File = None, as_json: Json = False) -> None:
    """Forget a record. One that others said comes back when it is taken from the log again."""
    from waggledance.cli._printing import print_json, print_text
    from waggledance.cli._safe_text import one_line

    with _opened(file) as store:
        kept = _meant(store, id)
        store.forget(kept.id)
    if as_json:
        print_json({"forgotten": kept.id.hex()})
    else:
        print_text(f"forgotten: {one_line(kept.record.key, 60)}")


@memory.command("skills")
@ending_well
def memory_skills(
    book: Annotated[Path, typer.Argument(metavar="FILE", help="A book of skills, as given to --practise.")],
    forget: Annotated[str | None, typer.Option(metavar="ID", help="Forget a skill, by how its id begins.")] = None,
    right: Annotated[
        str | None, typer.Option(metavar="DECISION", help="Say that a decision was right, by how its id begins.")
    ] = None,
    wrong: Annotated[
        str | None, typer.Option(metavar="DECISION", help="Say that it was wrong: that outweighs what peers said.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print what a swarm has practised: each kind of question, how far it has come, and the example that is shown.

    A decision's id is in the output of `waggle ask --json`.
    """
    from waggledance.cli._skills_command import skills

    skills(book, forget, right=right, wrong=wrong, as_json=as_json)


def _place(file: Path | None) -> Path:
    if file is not None:
        return file
    from platformdirs import user_data_path

    return user_data_path("waggledance", appauthor=False) / "memory.db"


def _opened(file: Path | None) -> RecordStore:
    """Open a memory that is there.

    Raises:
        UsageError: there is none.
    """
    from waggledance.core import UsageError
    from waggledance.memory import RecordStore

    place = _place(file)
    if not place.is_file():
        raise UsageError(f'there is no memory at {place} yet. Begin one with: waggle memory add "what to remember"')
    return RecordStore(place)


def _meant(store: RecordStore, id: str) -> Kept:
    """Return the one record whose id begins like that.

    Raises:
        UnknownName: none does.
        UsageError: several do.
    """
    from waggledance.core import UnknownName, UsageError

    found = store.find(id.strip().removeprefix("b3:")) if id.strip() else ()
    if len(found) > 1:
        raise UsageError(f"{len(found)} records begin with {id!r}; give more digits")
    if not found:
        raise UnknownName("record", id, [kept.id.hex()[:ID_DIGITS] for kept in store.records()[:20]])
    return found[0]


def _row(kept: Kept) -> tuple[str, str, str, str, str]:
    from waggledance.cli._safe_text import one_line

    record = kept.record
    return kept.id.hex()[:ID_DIGITS], record.sort, record.scope, one_line(record.key, 40), one_line(record.text, 50)


def _plain(kept: Kept) -> dict[str, Any]:
    record = kept.record
    return {
        "id": kept.id.hex(),
        "sort": record.sort,
        "key": record.key,
        "text": record.text,
        "scope": record.scope,
        "links": [[relation, target.hex()] for relation, target in record.links],
        "sources": [source.hex() for source in record.sources],
        "authors": [author.hex() for author in kept.authors],
    }
