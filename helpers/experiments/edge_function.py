"""An Edge Function that runs on this machine: one TypeScript file on plain Deno.

Supabase's edge runtime is Deno inside, with an isolate for each function and a gateway before it that checks tokens.
Here a whole process is the function, and there is no gateway: what it takes to start is that of a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
import psutil

from helpers.deno import deno_environment, deno_executable
from helpers.errors import FailureError
from helpers.lab.children import die_with_parent
from helpers.profiling.processes import cpu_s, memory_bytes
from helpers.target import Target

__all__ = ["SLIM", "EdgeFunction"]

#: The function of the experiment.
SLIM = Path(__file__).with_name("slim_function.ts")

_START_LIMIT_S = 30.0
_TRIED = "starting the Edge Function"
#: What Deno says when it serves.
_LISTENING = re.compile(rb"Listening on (http://127\.0\.0\.1:\d+)/")


@dataclass(slots=True)
class EdgeFunction:
    """`async with EdgeFunction(target) as function:` serves it on loopback; leaving ends it.

    Attributes:
        url: where it is called.
        booted_s: from the start of its process until it listened.
    """

    target: Target
    script: Path = SLIM
    url: str = ""
    booted_s: float = 0.0
    _process: asyncio.subprocess.Process | None = None
    _spent_s: float = 0.0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def cpu_s(self) -> float:
        """CPU time that its processes have used, those that have ended included."""
        running = cpu_s(psutil.Process(self._process.pid)) if self._process is not None else 0.0
        return self._spent_s + running

    @property
    def memory_bytes(self) -> int:
        """What its process has for itself."""
        assert self._process is not None
        return memory_bytes(psutil.Process(self._process.pid))

    async def start(self) -> None:
        """Begin to serve, on the port it had before if it had one.

        Raises:
            NodeError: there is no Deno.
            FailureError: the function does not start; its last line says why.
        """
        deno = await asyncio.to_thread(deno_executable)
        address = self.url.removeprefix("http://") or "127.0.0.1:0"
        began = time.monotonic()
        self._process = await asyncio.create_subprocess_exec(
            *(str(deno), "run", "--no-config", "--no-lock", "--no-remote", "--no-npm"),
            *(f"--allow-net=127.0.0.1,{self.target.host}", "--allow-env=SUPABASE_URL,SUPABASE_SERVICE_ROLE_KEY"),
            str(self.script),
            env=self._environment(address),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                self.url = await self._address()
        except BaseException as error:
            await self.stop()
            if not isinstance(error, TimeoutError):
                raise
            raise FailureError(_TRIED, f"it was not ready after {_START_LIMIT_S:g} s", "Try again") from None
        self.booted_s = time.monotonic() - began

    async def stop(self) -> None:
        """End it at once. To stop twice is fine."""
        process = self._process
        if process is not None:
            with contextlib.suppress(psutil.Error):
                self._spent_s = self.cpu_s
            self._process = None
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def call(self, http: aiohttp.ClientSession, topic: str, record: dict[str, object]) -> int:
        """Call it as a webhook does; its HTTP status."""
        headers = {"Authorization": f"Bearer {self.target.secret_key}"}
        body = {"type": "INSERT", "record": record}
        async with http.post(self.url, params={"topic": topic}, json=body, headers=headers) as answer:
            return answer.status

    def _environment(self, address: str) -> dict[str, str]:
        return deno_environment() | {
            "SUPABASE_URL": self.target.api_url,
            "SUPABASE_SERVICE_ROLE_KEY": self.target.secret_key or "",
            "DENO_SERVE_ADDRESS": f"tcp:{address}",
        }

    async def _address(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        last = b""
        async for line in self._process.stdout:
            if found := _LISTENING.search(line):
                return found[1].decode()
            last = line.strip() or last
        raise FailureError(_TRIED, last.decode(errors="replace") or "it ended without a word", "Correct the function")
