"""How commands end: one sentence and one exit code for each kind of failure, and never half a line.

0    done                               3    the run failed; nobody answered; a check did not hold
1    a bug: a traceback                 74   what was to be written could not be: disk full, no permission
2    the caller asked for nonsense      130  interrupted, by Ctrl-C or by a request to end (SIGTERM)
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import typer

P = ParamSpec("P")

CANNOT_WRITE = 74  # EX_IOERR of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT
ENDS_WITHIN_S = 1.5


def ending_well(command: Callable[P, None]) -> Callable[P, None]:
    """Turn a command's errors into sentences on stderr and exit codes; bugs keep their traceback."""

    @functools.wraps(command)
    def ended(*args: P.args, **kwargs: P.kwargs) -> None:
        _end_as_by_ctrl_c()
        try:
            _open_closed_streams()
            for stream in (sys.stdout, sys.stderr):
                reconfigure = getattr(stream, "reconfigure", None)
                if reconfigure is not None:  # a terminal that cannot show a character gets its number
                    reconfigure(errors="backslashreplace")
            command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read us has gone; nobody is left to tell
            _silence(sys.stdout)
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            complain("interrupted")
            end_in_time(INTERRUPTED)
            raise typer.Exit(INTERRUPTED) from None
        except OSError as why:
            sentence = _cannot_use(why)
            if sentence is None:
                raise
            if kwargs.get("as_json") and why.filename:  # else it may be stdout that cannot be written
                from waggledance.cli._printing import print_error

                print_error(type(why).__name__, sentence, CANNOT_WRITE)
                sys.stdout.flush()
            _silence(sys.stdout)
            complain(sentence)
            raise typer.Exit(CANNOT_WRITE) from None
        except Exception as why:
            from waggledance.core import WaggleError

            if not isinstance(why, WaggleError):
                raise
            if kwargs.get("as_json"):
                from waggledance.cli._printing import print_error

                print_error(type(why).__name__, str(why), why.exit_code)
            complain(str(why))
            raise typer.Exit(why.exit_code) from None

    return ended


def _open_closed_streams() -> None:
    """Let what is printed go nowhere, and nothing be read, where a stream is closed, as by ``waggle ask … >&-``."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  # as long as the process


def _cannot_use(why: OSError) -> str | None:
    """Return what to say of a file or stream that cannot be used; None where its place is not at fault."""
    what, where = (why.strerror or str(why)).lower(), why.filename
    match why.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG | errno.EIO | errno.EROFS:
            return f"waggle cannot write {where or 'its output'}: {what}. Make room, or write elsewhere"
        case errno.EACCES | errno.EPERM if where:
            return f"{where} cannot be used: {what}. Change its permissions, or name another place"
        case errno.ENOENT | errno.ENOTDIR | errno.EISDIR | errno.EEXIST | errno.ENAMETOOLONG | errno.ELOOP if where:
            return f"{where} cannot be used: {what}. Name another place"
        case _:
            return None


def complain(sentence: str) -> None:
    """Say a sentence on stderr, after the program's name."""
    from waggledance.cli._safe_text import safe

    try:
        typer.echo(f"waggle: {safe(sentence).rstrip()}", err=True)
    except BrokenPipeError:
        _silence(sys.stderr)


def end_in_time(exit_code: int = 0) -> None:
    """End this process within `ENDS_WITHIN_S` from now, also when a thread of it does not end: a model that is loading
    or computing cannot be stopped, and the interpreter would wait for it. Call it when all that matters is said, and
    about to be closed.

    Args:
        exit_code: of the process that has to be ended so.
    """

    def end() -> None:
        time.sleep(ENDS_WITHIN_S)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(exit_code)

    threading.Thread(target=end, name="end in time", daemon=True).start()


def _end_as_by_ctrl_c() -> None:
    """Let a request to end do what Ctrl-C does, unless whoever started us asked to ignore it."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))


def _silence(stream: object) -> None:
    """Let nothing more be written to a stream, so that the interpreter's own last flush cannot fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[attr-defined]
        os.close(nowhere)
    except (OSError, AttributeError, ValueError):
        return
