"""Which of the swarms that are served are on the network: what the settings say of it, and what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from waggledance.cli._config import InForce, WrongSetting, in_force
from waggledance.cli._membership import Membership, memberships
from waggledance.core import UsageError
from waggledance.mesh import Dialling

BEES = Membership("bees", "server", Dialling(), certify=True)


def settings(tmp_path: Path, text: str = "", **flags: object) -> InForce:
    file = tmp_path / "waggle.toml"
    file.write_text(text)
    return in_force({key.replace("__", "."): value for key, value in flags.items()}, config=file, env={})


def test_swarms_on_the_network_stand_beside_those_of_this_process(tmp_path: Path) -> None:
    hive, far = '[swarms.hive]\nmesh = "bees"\ncertify = true\n', '[swarms.far]\nmesh = "tcp/h:1"\nkey = "k"\n'
    force = settings(tmp_path, f"{hive}{far}[swarms.own]\npeers = 2\n")
    way = Dialling(connect=("tcp/h:2",))
    assert memberships(force, None, way) == {
        "hive": Membership("bees", "server-hive", way, certify=True),
        "far": Membership("tcp/h:1", "k", way, certify=False),
    }
    assert memberships(force, BEES, way)["default"] == BEES
    assert force.of_swarm("hive").settings.ask == force.settings.ask


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('[swarms.hive]\nmesh = "bees"\nmodel = "embedded"\n', 1, "leave out model"),
        ('\n[swarms.hive]\nmesh = "bees"\npeers = 3\ntemperature = 0.5\n', 2, "leave out peers, temperature"),
        ('[swarms.hive]\nkey = "k"\n', 1, "give mesh too"),
        ("[swarms.hive]\ncertify = false\n", 1, "give mesh too"),
        ('[swarms.default]\nabout = "us"\n', 1, "leave one out"),
    ],
)
def test_settings_that_contradict_a_swarm_on_the_network_are_refused_with_their_line(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    with pytest.raises(WrongSetting, match=why) as refused:
        memberships(settings(tmp_path, text), BEES, Dialling())
    assert refused.value.where.endswith(f"line {line}")


def test_flags_for_peers_of_this_process_are_refused_where_members_elsewhere_think(tmp_path: Path) -> None:
    force = settings(tmp_path, ask__peers=3, ask__max_tokens=9, ask__seed=1)
    with pytest.raises(UsageError, match="leave out --peers, --max-tokens"):
        memberships(force, BEES, Dialling())
    assert memberships(settings(tmp_path, '[ask]\nmodel = "embedded"\n', ask__seed=1), BEES, Dialling())


def test_one_key_does_not_ask_two_swarms(tmp_path: Path) -> None:
    text = '[swarms.hive]\nmesh = "bees"\nkey = "server"\n'
    with pytest.raises(UsageError, match="the one key 'server'"):
        memberships(settings(tmp_path, text), BEES, Dialling())
