"""What holds for every test: Ctrl-C works, also where the suite was started in the background, which ignores it, and
no example of a property is timed: on a busy machine each of them is slow once."""

import signal

from hypothesis import settings

signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
