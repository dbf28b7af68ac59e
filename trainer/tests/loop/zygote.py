"""A process that has imported everything once and forks a trainer for each line it reads: processes without the wait.

In:  `{"argv": […], "said": PATH}` → `{"pid": N}`;  `{"wait": N, "hang": BOOL}` → `{"returncode": N or null}`.
It never computes anything itself, since autograd cannot be forked once it has run.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

import srft.cli
import srft.launch  # Imported here so that no child has to.


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        reply = _wait(order["wait"], order["hang"]) if "wait" in order else {"pid": _fork(order["argv"], order["said"])}
        print(json.dumps(reply), flush=True)


def _fork(argv: list[str], said: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    target = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 99
    try:
        code = srft.cli.main(argv)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, hang: bool) -> dict[str, int | None]:
    found, status = os.waitpid(pid, 0 if hang else os.WNOHANG)
    return {"returncode": os.waitstatus_to_exitcode(status) if found else None}


if __name__ == "__main__":
    main()
