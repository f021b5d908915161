"""A recipe is read, checked before anything is spent, and becomes the same plan at every peer."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UnknownName, UsageError
from waggledance.tasks import Kind, Link, Recipe, RecipeFault, RecipeLimits, Role, opened_plan, read_recipe, recipe_from
from waggledance.tasks.recipes import recipe_named, recipe_names

GOOD = """\
name: note
start: request
out: note
kinds:
  request: a wish
  draft: a first text
  note: a text
roles:
  writer: {watch: [request], produces: draft, prompt: Write it.}
  editor:
    watch: [draft]
    produces: note
    prompt: Make it short.
"""
LOOP = """\
name: loop
start: request
out: draft
limits: {rounds: 3}
kinds: {request: a wish, draft: a text, verdict: yes or no, praise: kind words}
roles:
  writer: {watch: [request], produces: draft, prompt: Write.}
  critic: {watch: [draft], produces: verdict, prompt: Judge., copies: 2}
  mender: {watch: [draft, verdict], when: {verdict: no}, produces: draft, prompt: Mend.}
  friend: {watch: [draft, verdict, request], when: {verdict: yes}, produces: praise, prompt: Praise.}
"""


def names(recipe: Recipe) -> list[str]:
    return [str(step) for step in recipe.steps]


def test_roles_follow_each_other_by_what_they_watch() -> None:
    recipe = recipe_from(GOOD)
    assert names(recipe) == ["the user: request", "writer: draft", "editor: note"]
    assert [step.task.id for step in recipe.steps] == [step.task.id for step in recipe_from(GOOD).steps]


def test_the_order_of_roles_in_the_file_changes_no_task() -> None:
    recipe = recipe_from(LOOP)
    turned = Recipe(
        name="loop", start="request", out="draft", limits=RecipeLimits(rounds=3), kinds=recipe.kinds,
        roles=dict(reversed(recipe.roles.items())),
    )  # fmt: skip
    assert {step.task.id for step in turned.steps} == {step.task.id for step in recipe.steps}
    assert {op for op in turned.ops if isinstance(op, Link)} == {op for op in recipe.ops if isinstance(op, Link)}


def test_a_loop_goes_round_as_often_as_its_limit_and_pairs_what_belongs_to_one_round() -> None:
    recipe = recipe_from(LOOP)
    made = [step for step in recipe.steps if step.role == "mender"]
    assert [step.round for step in made] == [1, 2]
    for step in recipe.steps:
        before = [recipe.by_task[link.before] for link in step.links]
        if step.role == "mender":
            assert [(b.produces, b.round) for b in before] == [
                ("draft", step.round - 1), ("verdict", step.round - 1), ("verdict", step.round - 1),
            ]  # fmt: skip
        if step.role == "friend":
            assert [(b.produces, b.round) for b in before] == [
                ("draft", step.round), ("verdict", step.round), ("verdict", step.round), ("request", 0),
            ]  # fmt: skip
    assert len([s for s in recipe.steps if s.role == "friend"]) == 3


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("watch: [draft]", "watch: [drift]", 11, "there is no kind 'drift'; did you mean 'draft'?"),
        ("watch: [draft]", "watch: []", 11, "it watches nothing, so it never begins"),
        ("watch: [draft]", "watches: [draft]", 11, "there is no key 'watches'; did you mean 'watch'?"),
        ("produces: note", "produces: nota", 12, "there is no kind 'nota'; did you mean 'note'?"),
        ("produces: note", "produces: note\n    tries: often", 13, "Expected `int`, got `str`"),
        ("produces: note", "produces: note\n    checks: [schemas:note]", 13, "there is no check 'schemas:note'; did"),
        ("produces: note", "produces: note\n    checks: [schema:note]", 13, "there is no kind with a schema 'note'"),
        (
            "produces: note",
            "produces: note\n    does: run-test",
            13,
            "no function 'run-test'; did you mean 'run-tests'?",
        ),
        ("produces: note", "produces: note\n    when: {draft: maybe}", 13, "'maybe' is no condition of a link"),
        ("produces: note", "produces: note\n    when: {request: ok}", 13, "there is no watched kind 'request'"),
        ("    prompt: Make it short.\n", "", 10, "it is not told what to do"),
        ("    prompt: Make it short.\n", "    prompt: Cut.\n    does: keep-the-best\n", 13, "nobody reads the prompt"),
        ("out: note", "out: nite", 3, "there is no kind 'nite'; did you mean 'note'?"),
        ("out: note", "out: note\nlimit: {tasks: 3}", 4, "there is no key 'limit'; did you mean 'limits'?"),
        ("out: note", "out: note\nlimits: {tasks: 2}", 4, "its plan has 3 tasks, more than 2"),
        ("out: note", "out: note\nlimits: {depth: 2}", 4, "its longest chain has 3 tasks, more than 2"),
        ("  note: a text", "  note: a text\n  extra: nobody's", 8, "no role makes it"),
        ("  note: a text", "  note: {about: a text, schema: {type: nonsense}}", 7, "this is no JSON schema"),
        ("produces: draft", "produces: draft, copies: 65", 9, "`int` <= 64"),
        ("watch: [request]", "watch: [note]", 6, "it cannot come to be"),
        ("name: note\n", "", 1, "it is missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(UsageError) as why:
        recipe_from(GOOD.replace(old, new), "team.yaml")
    assert said in str(why.value)
    assert f"team.yaml, line {line}: " in str(why.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(UsageError, match=r"line 9: .*line 12: "):
        recipe_from(GOOD.replace("produces: draft", "produces: drift").replace("produces: note", "produces: nota"))


def test_a_loop_without_a_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="line 1: limits: draft, verdict go round in a loop without a limit"):
        recipe_from(LOOP.replace("limits: {rounds: 3}\n", ""))
    with pytest.raises(RecipeFault, match="limits: draft go round in a loop without a limit"):
        Recipe(
            name="self", start="request", out="draft",
            kinds={"request": Kind(about="a wish"), "draft": Kind(about="a text")},
            roles={
                "writer": Role(watch=("request",), produces="draft", prompt="Write."),
                "again": Role(watch=("draft",), produces="draft", prompt="Write again."),
            },
        )  # fmt: skip


def test_two_loops_and_a_loop_that_nobody_begins_are_refused() -> None:
    two = LOOP.replace("praise: kind words}", "praise: kind words, thanks: a word}")
    two += "  grateful: {watch: [praise], produces: thanks, prompt: Thank.}\n"
    two += "  again: {watch: [thanks], produces: praise, prompt: Praise.}\n"
    with pytest.raises(UsageError, match="two loops"):
        recipe_from(two)
    with pytest.raises(UsageError, match="it cannot come to be"):
        recipe_from(LOOP.replace("watch: [request], produces: draft", "watch: [praise], produces: draft"))


def test_a_recipe_too_large_to_publish_is_refused() -> None:
    big = LOOP.replace("copies: 2", "copies: 64").replace("rounds: 3", "rounds: 5, tasks: 400")
    with pytest.raises(UsageError, match="operations; at most 1024 are published"):
        recipe_from(big)


def test_a_prompt_too_long_for_a_task_is_refused() -> None:
    with pytest.raises(UsageError, match=r"role 'editor': its words .* at most 8,000"):
        recipe_from(GOOD.replace("Make it short.", "long " * 2_000))


def test_no_yaml_no_table_and_no_file_are_refused(tmp_path: Path) -> None:
    for text in ("", "[]", "a: [", "x" * 200_001):
        with pytest.raises(UsageError, match="team"):
            recipe_from(text, "team")
    with pytest.raises(UsageError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "good.yaml").write_text(GOOD)
    assert read_recipe(tmp_path / "good.yaml").name == "note"


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_ships_is_sound_and_named_like_its_file(name: str) -> None:
    recipe = recipe_named(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.ops


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'software-company'"):
        recipe_named("software-compnay")


@given(data=st.data(), rng=st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_any_team_without_a_loop_makes_a_legal_plan_whatever_the_order_of_its_roles(
    data: st.DataObject, rng: Random
) -> None:
    n = data.draw(st.integers(1, 6))
    kinds = {f"k{i}": Kind(about="a thing") for i in range(n + 1)}
    watched = [data.draw(st.sets(st.integers(0, i), min_size=1, max_size=3)) for i in range(n)]
    copies = [data.draw(st.integers(1, 2)) for _ in range(n)]
    roles = {
        f"r{i}": Role(watch=tuple(f"k{w}" for w in sorted(watched[i])), produces=f"k{i + 1}", prompt="Do.", copies=c)
        for i, c in enumerate(copies)
    }
    recipe = Recipe(name="any", kinds=kinds, roles=roles, start="k0", out=f"k{n}")
    opened_plan(recipe.ops)  # raises where an operation is not legal
    turned = Recipe(
        name="any", kinds=kinds, roles=dict(rng.sample(list(roles.items()), n)), start="k0", out=f"k{n}"
    )  # fmt: skip
    assert set(turned.ops) == set(recipe.ops)
    assert len(recipe.steps) == 1 + sum(copies)
    for step in recipe.steps[1:]:
        kinds_watched = {recipe.by_task[link.before].produces for link in step.links}
        assert kinds_watched == set(roles[step.role].watch)
