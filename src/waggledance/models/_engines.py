"""One engine for each model file and shape, for as long as anybody in this process uses it."""

import atexit
import threading

from waggledance.models._engine import Engine
from waggledance.models._llama_server import Shape

_engines: dict[Shape, Engine] = {}
_engines_lock = threading.Lock()


def engine_for(model: str, shape: Shape) -> Engine:
    """The loaded server of that shape; each call needs one `let_go`."""
    with _engines_lock:
        engine = _engines.setdefault(shape, Engine(model, shape))
        engine.users += 1
    try:
        engine.load()
    except BaseException:
        let_go(engine)
        raise
    return engine


def let_go(engine: Engine) -> None:
    """Close the server when nobody else uses it."""
    with _engines_lock:
        engine.users -= 1
        last = engine.users == 0
        if last:
            _engines.pop(engine.shape, None)
    if last:
        engine.close()


@atexit.register
def _close_all() -> None:
    """Free the servers nobody closed before the interpreter goes."""
    while _engines:
        _engines.popitem()[1].close()
