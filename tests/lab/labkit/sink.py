# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail server of somebody else: python3 sink.py HOST MODE [SECONDS]; one for each lab host, on port 25.

MODE: accept; slow (answers each RCPT after a second), tarpit (after a minute); or the answer that every RCPT gets,
such as "550 5.7.1 no".
It prints its address once it listens, and ends with its seconds or with the host that it is there for.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from labkit import crowd, plan, state  # pylint: disable=wrong-import-position

_LATE = {"accept": 0.0, "slow": 1.0, "tarpit": 60.0}


def address(host: str) -> str:
    """Where the sink of a lab host listens."""
    return f"198.18.255.{plan.address(host).rpartition('.')[2]}"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mode: str) -> None:
    async def say(text: str) -> None:
        writer.write(text.encode() + b"\r\n")
        await writer.drain()

    with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError):
        await say("220 sink.example ESMTP")
        while line := (await reader.readline()).decode("ascii", "replace").strip():
            verb = line.split(" ")[0].upper()
            if verb == "DATA":
                await say("354 go on")
                while (await reader.readline()).rstrip(b"\r\n") != b".":
                    if reader.at_eof():
                        break
                await say("250 2.0.0 taken")
            elif verb == "QUIT":
                await say("221 2.0.0 bye")
                break
            elif verb == "RCPT":
                await asyncio.sleep(_LATE.get(mode, 0.0))
                await say("250 2.1.5 ok" if mode in _LATE else mode)
            else:
                await say("250 sink.example")
    writer.close()


async def _main(host: str, mode: str, seconds: float) -> None:
    server = await asyncio.start_server(lambda reader, writer: _serve(reader, writer, mode), address(host), 25)
    print(address(host), flush=True)
    record, end = state.load()["hosts"][host], time.monotonic() + seconds
    while time.monotonic() < end and state.alive(record, "leader"):
        await asyncio.sleep(0.5)
    server.close()


if __name__ == "__main__":
    with crowd.at_home():
        asyncio.run(_main(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 900.0))
