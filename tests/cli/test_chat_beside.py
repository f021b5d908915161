"""Rooms beside the other doors: every swarm that is served sits in the lobby under its own name."""

from __future__ import annotations

from pathlib import Path

import pytest

from waggledance import Swarm
from waggledance.cli._chat_beside import chat_door, media_of
from waggledance.core import Log, UsageError
from waggledance.gateways import Host, Hosted
from waggledance.models import Scripted
from waggledance.peers import Agent


def hosted() -> Hosted:
    return Hosted(Swarm([Agent("p", Scripted("4"))]))


def test_each_swarm_has_its_name_and_media_stay_beside_the_log(tmp_path: Path) -> None:
    with Log(tmp_path / "l.sqlite") as log:
        door = chat_door(Host({"default": hosted(), "cooks": hosted()}, log))
        assert door.rooms["lobby"].speakers == ("swarm", "cooks")
        assert [speaker.name for speaker in door.speakers] == ["swarm", "cooks"]
        assert door.blobs is not None
        assert door.blobs.folder == tmp_path / "l.sqlite.media"
    assert media_of(None) is None


def test_swarms_whose_names_look_alike_cannot_share_a_room() -> None:
    with pytest.raises(UsageError, match="look alike"):
        chat_door(Host({"default": hosted(), "Swarm": hosted()}))
