"""Commands and what they refuse, in this process."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import Result

from loading import load
from waggledance.cli._app import app
from waggledance.cli._config import InForce, in_force
from waggledance.cli._own_models import model_named
from waggledance.cli._seating import MAX_PEERS, NAMES, tables
from waggledance.core import UsageError

DOCS = Path(__file__).parents[2] / "docs"
SAYS_4 = ("--model", "scripted:Answer: 4")
Waggle = Callable[..., Result]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("",), "the question is empty"),
        (("   ",), "the question is empty"),
        (("q?", "--peers", "0"), "0 peers cannot answer anything: seat 1 to 64"),
        (("q?", "--peers", "10000"), "10,000 peers are more than this command seats, which is 64"),
        (("q?", "--model", "opnai:x"), "there is no kind of model 'opnai'; did you mean 'openai'?"),
        (("q?", "--model", "embedded:smolm2"), "did you mean 'smollm2-135m'?"),
        (("q?", "--protocol", "debat"), "there is no protocol 'debat'; did you mean 'debate'?"),
        (("q?", "--rule", "bord"), "there is no rule 'bord'; did you mean 'borda'?"),
        (("q?", "--topology", "rng"), "there is no topology 'rng'; did you mean 'ring'?"),
        (("q?", "--answer", "nummer"), "there is no kind of answer 'nummer'; did you mean 'number'?"),
        (("q?", "--answer", "choice"), "a question of choice needs its options"),
        (("q?", "--option", "one"), "2 to 26 options, got 1"),
        (("q?", "--answer", "number", "--option", "1", "--option", "2"), "takes no options"),
        (
            ("q?", "--protocol", "debate", "--rule", "borda"),
            "rule 'borda' needs judgements, and protocol 'debate' gives confidence",
        ),
        (("q?", "--protocol", "vote", "--rounds", "2"), "protocol 'vote' takes no rounds"),
        (("q?", "--protocol", "peer-ranking", "--rule", "majority"), "does not look at judgements"),
        (("q?", "--protocol", "nest-site", "--peers", "2"), "needs at least 3 peers, got 2"),
        (("q?", "--budget-tokens", "-1"), "--budget-tokens: must be a whole number of 0 or more, not -1"),
        (("q?", "--temperature", "-3"), "--temperature: must be a number from 0 to 10"),
        (("-", "--human"), "not both"),
        (("x" * 60_000,), "the limit is 50,000"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(waggle: Waggle, words: tuple[str, ...], says: str) -> None:
    model = () if "--model" in words else SAYS_4
    ran = waggle("ask", *words, *model)
    assert ran.exit_code == 2
    complaints = [line for line in ran.stderr.splitlines() if line.startswith("waggle: ")]
    assert len(complaints) == 1
    assert says in complaints[0]
    assert ran.stdout == ""
    assert not Path("log.db").exists(), "nothing was spent and nothing written"


@pytest.mark.parametrize(
    ("words", "code", "note"),
    [
        (("--budget-calls", "0"), 3, "the budget of 0 calls is spent"),
        (("--seconds", "0"), 3, "the budget of 0 seconds is spent"),
        (("--budget-calls", "3"), 0, "the budget of 3 calls is spent"),
        (("--budget-tokens", "200"), 0, "the budget of 200 tokens is spent"),
        (("--budget-messages", "2"), 0, "the budget of 2 messages"),
    ],
)
def test_a_spent_budget_decides_with_what_is_there_and_says_so(
    waggle: Waggle, words: tuple[str, ...], code: int, note: str
) -> None:
    ran = waggle("ask", "2+2?", *SAYS_4, *words)
    assert ran.exit_code == code
    assert note in ran.stdout
    assert ran.stdout.splitlines()[0] == ("4" if code == 0 else "no answer (undecided)")


@pytest.mark.parametrize(
    "protocol", ["vote", "debate", "confidence-debate", "round-table", "peer-ranking", "nest-site"]
)
def test_every_protocol_runs_and_is_decided_again_from_its_log(waggle: Waggle, protocol: str) -> None:
    model = "scripted:First is better. 7/10. Answer: 4. Confidence: 80%|Second. 4/10. Answer: 5. Confidence: 60%"
    assert waggle("ask", "2+2?", "--model", model, "--protocol", protocol, "-q").exit_code == 0
    told = json.loads(waggle("replay", "q1", "--json").stdout)
    assert told["same_decision"] is True
    assert told["recorded"]["id"] == told["id"]


def test_replay_with_another_rule_says_what_would_have_been(waggle: Waggle) -> None:
    sure = "scripted:Answer: 4. Confidence: 40%|Answer: 5. Confidence: 99%|Answer: 4. Confidence: 40%"
    waggle("ask", "2+2?", "--model", sure, "--peers", "3", "--protocol", "vote", "-q")
    ran = waggle("replay", "q1", "--rule", "confidence")
    assert "by confidence 5 would have been decided; by majority it was 4" in ran.stdout
    refused = waggle("replay", "q1", "--rule", "bradley-terry")
    assert refused.exit_code == 2
    assert "nobody judged in this channel" in refused.stderr
    unknown = waggle("replay", "q1", "--rule", "majorty")
    assert "did you mean 'majority'?" in unknown.stderr


def test_a_channel_is_found_by_how_it_alone_begins(waggle: Waggle) -> None:
    for _ in range(2):
        waggle("ask", "2+2?", *SAYS_4, "-q")
    assert waggle("replay", "q1").exit_code == 0
    both = waggle("replay", "q")
    assert both.exit_code == 2
    assert "2 channels begin with 'q'" in both.stderr
    assert "there is no channel 'zz'" in waggle("log", "show", "zz").stderr


def test_the_log_is_listed_shown_checked_and_exported(waggle: Waggle) -> None:
    waggle("ask", "2+2?", *SAYS_4, "--peers", "2", "--protocol", "debate", "-q")
    row = waggle("log", "list").stdout.split("\t")
    assert (row[3], row[4], row[5], row[6], row[7].strip()) == ("debate", "majority", "decided", "4", "2+2?")
    listed = json.loads(waggle("log", "list", "--json").stdout)["channels"]
    assert [channel["answer"] for channel in listed] == ["4"]
    shown = waggle("log", "show", "q1").stdout
    assert "ada says 4" in shown
    assert shown.splitlines()[-1] == "decided by majority: 4"
    prompted = waggle("log", "show", "q1", "--prompts").stdout
    assert "  propose asked scripted (" in prompted
    assert "    > [user] Question: 2+2?" in prompted
    assert "    < Answer: 4" in prompted
    with_prompts = [json.loads(line) for line in waggle("log", "show", "q1", "--prompts", "--json").stdout.splitlines()]
    assert any("2+2?" in exchange["asked"] for m in with_prompts for exchange in m["exchanges"])
    messages = [json.loads(line) for line in waggle("log", "show", "q1", "--json").stdout.splitlines()]
    assert len(messages) == listed[0]["messages"]
    assert waggle("log", "verify").exit_code == 0
    assert waggle("log", "export", "--to", "jsonl", "-o", "out.jsonl").exit_code == 0
    assert len(Path("out.jsonl").read_text().splitlines()) == len(messages)
    assert waggle("log", "export", "--to", "parquet", "-o", "out.parquet", "--channel", "q1").exit_code == 0
    assert Path("out.parquet").read_bytes()[:4] == b"PAR1"
    assert "did you mean 'jsonl'?" in waggle("log", "export", "--to", "json", "-o", "x").stderr
    assert waggle("log", "export", "--to", "jsonl", "-o", "none/x").exit_code == 2
    assert waggle("log", "export", "--to", "parquet", "-o", "-").exit_code == 2


def test_a_damaged_log_is_found_out_and_repaired(waggle: Waggle) -> None:
    waggle("ask", "2+2?", *SAYS_4, "-q")
    file = Path("log.db")
    torn = bytearray(file.read_bytes())
    at = torn.index(b"Answer: 4")  # of a message; exchanges stand behind them
    torn[at : at + 9] = b"Answer: 5"
    file.write_bytes(torn)
    found = waggle("log", "verify")
    assert found.exit_code == 3
    assert "tampered" in found.stdout
    assert json.loads(waggle("log", "verify", "log.db", "--json").stdout)["ok"] is False
    assert waggle("log", "repair").exit_code == 0
    assert Path("log.db.damaged-1").exists()
    assert waggle("log", "verify").exit_code == 0


def test_without_a_log_commands_say_where_they_looked(waggle: Waggle) -> None:
    for words in (("log", "list"), ("log", "verify"), ("replay", "q1"), ("log", "repair")):
        ran = waggle(*words)
        assert ran.exit_code == 2
        assert "log.db" in ran.stderr


def test_nothing_is_kept_when_nothing_should_be(waggle: Waggle) -> None:
    ran = waggle("ask", "2+2?", *SAYS_4, "--no-log", "-q")
    assert ran.exit_code == 0
    assert "replay" not in ran.stdout
    assert not Path("log.db").exists()


def test_models_are_listed_with_what_to_do(waggle: Waggle) -> None:
    Path("waggle.toml").write_text(
        '[models.mine]\nkind = "scripted"\nmodel = "OK"\n[models.gone]\nkind = "gguf"\npath = "none.gguf"\n'
        '[models.odd]\nkind = "gguf"\nmodel = "x"\n'
    )
    rows = {row["spec"]: row for row in json.loads(waggle("models", "--json").stdout)["models"]}
    assert rows["mine"]["usable"] is True
    assert rows["gone"]["usable"] is False
    assert "none.gguf" in rows["gone"]["why"]
    assert "line 7" in rows["odd"]["why"]
    assert rows["embedded:smollm2-135m"]["usable"] is False
    assert "waggle models get smollm2-135m" in rows["embedded:smollm2-135m"]["why"]
    checked = json.loads(waggle("models", "--check", "--json").stdout)["models"]
    assert [row["spec"] for row in checked if row.get("check")] == ["mine"]
    assert next(row for row in checked if row["spec"] == "mine")["check"]["answered"] is True
    unknown = waggle("models", "get", "smollm")
    assert unknown.exit_code == 2
    assert "did you mean 'smollm2-135m'?" in unknown.stderr


def test_settings_are_shown_with_their_origin_and_without_secrets(
    waggle: Waggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("waggle.toml").write_text(
        '[ask]\npeers = 3\n[models.mine]\nkind = "openai"\nbase_url = "http://me:hunter2@host/v1?key=hunter2"\n'
        'headers = { A = "hunter2", B = "$TOKEN" }\n'
    )
    monkeypatch.setenv("WAGGLE_SEED", "7")
    shown = waggle("config", "show")
    told = json.loads(waggle("config", "show", "--json").stdout)
    rows = {row["key"]: (row["value"], row["from"]) for row in told["settings"]}
    assert rows["ask.peers"] == (3, "waggle.toml:2")
    assert rows["ask.seed"] == (7, "WAGGLE_SEED")
    assert rows["ask.protocol"] == (None, "default")
    assert rows["models.mine.headers"] == ({"A": "(hidden)", "B": "$TOKEN"}, "waggle.toml:3")
    assert "hunter2" not in shown.stdout + json.dumps(told)


def test_a_wrong_name_in_the_file_is_told_with_its_line(waggle: Waggle) -> None:
    for text, line, says in [
        ('[ask]\nprotocol = "debat"\n', 2, "did you mean 'debate'?"),
        ('[ask]\n\nrule = "bord"\n', 3, "did you mean 'borda'?"),
        ('[ask]\nanswer = "nummer"\n', 2, "did you mean 'number'?"),
        ('[ask]\npeers = 65\nmodel = "scripted:4"\n', 2, "65 peers are more"),
        ('[[peers]]\nname = "a"\n[[peers]]\nname = "a"\n', 3, "two peers are called 'a'"),
        ('[ask]\npeers = 3\n[[peers]]\nname = "a"\n', 2, "[[peers]] lists 1"),
        ('[[peers]]\nname = "a"\nmodel = "scripted:4"\npersona = "scptic"\n', 1, "did you mean 'sceptic'?"),
        ("[ask]\nmodel = []\n", 2, "ask.model names no model"),
    ]:
        Path("waggle.toml").write_text(text)
        ran = waggle("ask", "2+2?")
        assert ran.exit_code == 2
        assert f"waggle.toml, line {line}: " in ran.stderr
        assert says in ran.stderr


def test_peers_of_the_file_are_seated_with_their_models_and_weights(waggle: Waggle) -> None:
    Path("waggle.toml").write_text(
        '[ask]\nmodel = "scripted:Answer: 4"\nprotocol = "vote"\n'
        '[models.five]\nkind = "scripted"\nmodel = "Answer: 5"\n'
        '[[peers]]\nname = "queen"\nmodel = "five"\nweight = 3\npersona = "sceptic"\n[[peers]]\nname = "drone"\n'
        '[[peers]]\nname = "worker"\n'
    )
    told = json.loads(waggle("ask", "2+2?", "--json").stdout)
    assert told["answer"] == "5"
    assert [peer["model"] for peer in told["peers"]] == ["five", "scripted:Answer: 4", "scripted:Answer: 4"]
    told = json.loads(waggle("ask", "2+2?", "--json", "--peers", "2").stdout)
    assert [peer["name"] for peer in told["peers"]] == ["ada", "ben"]


def test_models_are_dealt_out_in_turn() -> None:
    force = in_force({"ask.model": ("a", "b"), "ask.peers": 5}, env={}, config=None)
    assert [row.model for row in tables(force)] == ["a", "b", "a", "b", "a"]
    assert len(set(NAMES)) == MAX_PEERS


def test_a_header_is_filled_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "waggle.toml"
    file.write_text(
        '[models.m]\nkind = "openai"\nbase_url = "http://h/v1"\nheaders = { X = "Bearer ${TOKEN_OF_MINE}" }\n'
    )
    force = in_force(config=file, env={})
    with pytest.raises(UsageError, match="line 1: the header X needs the environment variable TOKEN_OF_MINE"):
        model_named("m", force)
    monkeypatch.setenv("TOKEN_OF_MINE", "t")
    assert model_named("m", force).name == "openai:m"


def test_an_option_that_means_nothing_to_a_kind_of_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "waggle.toml"
    file.write_text('[models.m]\nkind = "scripted"\nmodel = "x"\nslots = 3\n')
    with pytest.raises(UsageError, match="slots means nothing to scripted models; they take delay_s"):
        model_named("m", in_force(config=file, env={}))


def test_defaults_are_what_the_structs_say() -> None:
    assert InForce.defaults().settings == in_force(env={}, config=None).settings


# -- docs/cli.md -----------------------------------------------------------------------------------------------------


def _commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, inside in getattr(command, "commands", {}).items():
        yield from _commands(inside, f"{path} {name}".strip())


def test_the_page_on_the_command_line_has_every_command_and_flag_and_no_other() -> None:
    """Not the page's very text: how help is laid out changes with the library that lays it out."""
    maker = load(DOCS / "_make_cli.py")
    sections = dict(re.findall(r"## `waggle ?(.*?)`\n\n```text\n(.*?)```", (DOCS / "cli.md").read_text(), re.DOTALL))
    commands = dict(_commands(get_command(app)))
    assert set(maker.COMMANDS) | {"config"} == set(commands)
    for path in maker.COMMANDS:
        text = " ".join(sections[path].split())
        unbroken = " ".join(re.sub(r"(?<=\w)-\n\s*", "-", sections[path]).split())  # lines end at hyphens, too
        flags = {
            flag
            for param in commands[path].params
            for flag in (*param.opts, *param.secondary_opts)
            if flag.startswith("--")
        }
        said = set(re.findall(r"(?<![\w-])--[a-z-]+(?= |$)", text))
        assert said - {"--help"} <= flags | {"--log", "--peers", "--secret"}  # what a sentence may speak of
        for param in commands[path].params:
            if getattr(param, "help", None):
                assert " ".join(param.help.split()) in unbroken, "run: python docs/_make_cli.py"
            assert all(flag in text for flag in param.opts if flag.startswith("--"))


def test_the_sample_file_of_that_page_is_valid(tmp_path: Path) -> None:
    [sample] = re.findall(r"```toml\n(.*?)```", (DOCS / "cli.md").read_text(), re.DOTALL)
    file = tmp_path / "waggle.toml"
    file.write_text(sample)
    settings = in_force(config=file, env={}).settings
    assert set(tomllib.loads(sample)) == {"ask", "budget", "quota", "log", "models", "peers", "swarms", "tools"}
    assert settings.peers[0].weight == 2.0


def test_explain_in_json_says_why_and_on_which_figures(waggle: Waggle) -> None:
    told = json.loads(waggle("ask", "2+2?", *SAYS_4, "--explain", "--json").stdout)["explained"]
    assert told["why"].startswith("vote(samples=3, stop=settled):")
    assert "10 of 10 answers" in told["surer"]
    assert {arm["arm"] for one in told["evidence"] for arm in one["arms"]} >= {"vote(samples=2)", "debate(rounds=1)"}
    assert "explained" not in json.loads(waggle("ask", "2+2?", *SAYS_4, "--json").stdout)


@pytest.mark.parametrize("group", ["", "log", "mesh", "lab", "models", "config", "sandbox", "id", "rollout", "team"])
def test_help_cuts_no_sentence_off(waggle: Waggle, group: str) -> None:
    lines = waggle(*group.split(), "--help").output.splitlines()
    assert [line for line in lines if line.endswith("...") and "[ARGS]" not in line] == []


def test_every_command_stands_under_what_it_is_for_and_the_help_says_how_to_begin(waggle: Waggle) -> None:
    said = waggle("--help").output
    assert "Commands:" not in said
    assert said.index("Ask:") < said.index("  ask ") < said.index("Swarms on the network:") < said.index("  join ")
    assert 'Begin with: waggle ask "What is 17 - 8?"' in said


def test_flags_of_one_sort_stand_together(waggle: Waggle) -> None:
    said = waggle("ask", "--help").output
    assert said.index("What it may cost:") < said.index("--budget-usd") < said.index("On the network:")
    assert said.index("On the network:") < said.index("--certify") < said.index("What is kept and shown:")
