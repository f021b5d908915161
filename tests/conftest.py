"""What holds for every test: Ctrl-C works, also where the suite was started in the background, which ignores it; a
property has 40 examples unless it says otherwise, and none is timed, since on a busy machine each of them is slow once;
and who is slow has a quarter of an hour."""

import signal

import pytest
from hypothesis import settings

signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("untimed", deadline=None, max_examples=40)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))
