"""The worker's end of the pipe: JSON lines that no print of a checked program can touch, and a watchdog.

Run as a script beside its siblings, with the standard library alone, so that a worker starts quickly.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]], prepare: Callable[[], None]) -> None:
    """Prepare, say so, then answer one request a line until the parent closes the pipe.

    While a request is answered a watchdog thread, which needs no interpreter lock, ends the process after the request's
    `limit_seconds` and some grace: a hanging check cannot outlive a parent that was killed.
    """
    requests, replies = _take_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - plain files, no pathlib needed
        try:
            prepare()
        except (Exception, SystemExit) as error:
            _send(replies, {"ready": False, "error": describe(error)})
            return
        _send(replies, {"ready": True})
        for line in requests:
            request = json.loads(line)
            faulthandler.dump_traceback_later(request["limit_seconds"] * 1.5 + 5, exit=True, file=nowhere)
            try:
                reply = answer(request)
            except (Exception, SystemExit) as error:
                reply = {"error": describe(error)}
            faulthandler.cancel_dump_traceback_later()
            _send(replies, reply)


def describe(error: BaseException) -> str:
    """Type and first line, short."""
    try:
        first = (str(error).splitlines() or [""])[0][:160]
    except Exception:
        first = ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _take_pipes() -> tuple[Any, Any]:
    """Keep the two pipes to ourselves: what the program prints goes to stderr, what it reads is empty."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


def _send(replies: Any, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message).encode() + b"\n")
    replies.flush()
