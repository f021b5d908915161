"""Settings: what overrides what, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from waggledance.cli._config import WrongSetting, find, in_force
from waggledance.cli._seating import tables
from waggledance.core import UsageError


def written(folder: Path, text: str) -> Path:
    file = folder / "waggle.toml"
    file.write_text(text)
    return file


def test_a_flag_beats_the_environment_and_that_beats_the_file_and_that_beats_the_default(tmp_path: Path) -> None:
    file = written(tmp_path, '[ask]\npeers = 2\nseed = 2\nrule = "borda"\n')
    force = in_force({"ask.peers": 4, "ask.rule": None}, config=file, env={"WAGGLE_PEERS": "3", "WAGGLE_SEED": "3"})
    ask = force.settings.ask
    assert (ask.peers, ask.seed, ask.rule, ask.protocol) == (4, 3, "borda", None)
    origins = [force.origin(f"ask.{key}") for key in ("peers", "seed", "rule", "protocol")]
    assert origins == ["--peers", "WAGGLE_SEED", "waggle.toml:4", "default"]


def test_the_nearest_file_above_the_working_folder_is_read(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find(inner) is None or not str(find(inner)).startswith(str(tmp_path))
    outer = written(tmp_path, "")
    assert find(inner) == outer
    assert find(inner) != written(tmp_path / "a", "") == find(inner)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[ask]\npeers = "many"\n', 2, "ask.peers must be a whole number, not 'many'"),
        ("[ask]\n\npeeers = 3\n", 3, "there is no key 'peeers'; did you mean 'peers'?"),
        ("[budgett]\ntokens = 1\n", 1, "there is no table 'budgett'; did you mean 'budget'?"),
        ("[budget]\ntokens = -1\n", 2, "budget.tokens must be a whole number of 0 or more, not -1"),
        ("[ask]\nrounds = true\n", 2, "ask.rounds must be a whole number from 0 to 100, not true"),
        ("[ask]\nmodel = [1]\n", 2, "ask.model must be text or a list of texts"),
        (
            '[models.mine]\nkind = "opnai"\n',
            2,
            'models.mine.kind must be "a2a" or "embedded" or "gguf" or "openai" or "recorded" or "scripted"',
        ),
        ('[models.mine]\nkind = "gguf"\nurl = "x"\n', 3, "there is no key 'url'"),
        ('[[peers]]\nname = "a"\n[[peers]]\ntemperature = 1\n', 3, "peers.2 lacks 'name'"),
        ('[[peers]]\nname = "a"\n[[peers]]\nname = "b"\ntemprature = 1\n', 5, "did you mean 'temperature'?"),
        ("[ask]\npeers = 3\npeers = 4\n", 3, "not TOML: cannot overwrite a value"),
        ("[ask\n", 1, "not TOML"),
        ("ask = 3\n", 1, "ask must be a table, not 3"),
    ],
)
def test_a_wrong_entry_is_named_with_its_line_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(WrongSetting) as caught:
        in_force(config=file, env={})
    assert str(caught.value).startswith(f"{file}, line {line}: ")
    assert says in str(caught.value)


def test_a_wrong_variable_and_a_wrong_flag_are_named() -> None:
    with pytest.raises(WrongSetting, match=r"^WAGGLE_PEERS: must be a whole number, not 'x'$"):
        in_force(env={"WAGGLE_PEERS": "x"})
    with pytest.raises(WrongSetting, match=r"^--temperature: must be a number from 0 to 10, not 99\.0$"):
        in_force({"ask.temperature": 99.0}, env={})


def test_a_secret_written_by_mistake_is_not_repeated(tmp_path: Path) -> None:
    for line in (
        'key_env = "sk-verysecret"',
        "headers = { Authorization = 7, B = 'sk-verysecret' }",
        "key = 'sk-verysecret'",
    ):
        file = written(tmp_path, f'[models.mine]\nkind = "openai"\n{line}\n')
        with pytest.raises(WrongSetting) as caught:
            in_force(config=file, env={})
        assert "verysecret" not in str(caught.value)
        assert "line 3" in str(caught.value)


def test_a_variable_may_name_several_models() -> None:
    assert in_force(env={"WAGGLE_MODEL": "embedded, openai:gpt-5-mini"}).settings.ask.models == (
        "embedded",
        "openai:gpt-5-mini",
    )


def test_a_path_in_the_file_is_relative_to_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, '[log]\npath = "log.db"\n')
    force = in_force(config=file, env={})
    assert force.path("log.db", "log.path") == tmp_path / "log.db"
    force = in_force({"log.path": "other.db"}, config=file, env={})
    assert force.path("other.db", "log.path") == Path("other.db")


def test_a_file_that_is_not_there_or_not_text_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read: No such file"):
        in_force(config=tmp_path / "none.toml", env={})
    (tmp_path / "waggle.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(WrongSetting, match="not UTF-8 at byte 0"):
        in_force(config=tmp_path / "waggle.toml", env={})


def test_a_swarm_of_its_own_has_what_it_says_and_where_it_says_nothing_what_ask_says(tmp_path: Path) -> None:
    file = tmp_path / "waggle.toml"
    file.write_text(
        '[ask]\nprotocol = "vote"\nseed = 3\n[[peers]]\nname = "mia"\n'
        '[swarms.two]\npeers = 2\nprotocol = "debate"\n[swarms.same]\nseed = 4\n'
    )
    force = in_force(config=file, env={})
    two, same = force.of_swarm("two"), force.of_swarm("same")
    assert (two.settings.ask.peers, two.settings.ask.protocol, two.settings.ask.seed) == (2, "debate", 3)
    assert (same.settings.ask.protocol, same.settings.ask.seed) == ("vote", 4)
    assert [peer.name for peer in tables(two)] == ["ada", "ben"]
    assert [peer.name for peer in tables(same)] == ["mia"]
    assert two.origin("ask.peers") == "waggle.toml:6"
