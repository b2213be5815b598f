"""Chromium: where it is, how it is started without a window, and how it ends.

It is driven through the Chrome DevTools Protocol on two pipes that only this process holds. No port is opened on which
another program of the machine could drive the browser; and a Chromium whose pipe is closed ends by itself, so that it
does not outlive this process even when that is killed. (A leash removes its profile then.) A package for browser
automation (Playwright, say) would be a dependency of the workbook, would set switches of its own that keep tabs from
being throttled, which is what is measured here, and would hide the half dozen commands that are needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import FailureError
from helpers.experiments.browser.devtools import DevTools
from helpers.lab.children import Children

__all__ = ["CHROMIUM_VARIABLE", "Browser", "BrowserMissing", "describe_browser", "find_chromium", "start_chromium"]

#: Names the browser's executable, for one that is nowhere on the PATH.
CHROMIUM_VARIABLE = "WORKBOOK_CHROMIUM"

#: Chromium, Chrome and Edge are one engine and take the same switches.
_NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
)  # fmt: skip
_ON_A_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)

#: Without a window, without a profile of anybody's, and without a word to its maker's hosts.
_SWITCHES = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-breakpad",
    "--disable-default-apps",
    "--disable-features=OptimizationHints,MediaRouter,Translate,SpareRendererForSitePerProcess",
    "--metrics-recording-only",
    "--password-store=basic",
    "--use-mock-keychain",
    "--mute-audio",
)
#: Of the descriptors, as `devtools_pipe_handler.cc` has them: it reads commands from 3 and writes answers to 4.
_AS_3_AND_4 = "import os, sys; os.dup2({reads}, 3); os.dup2({writes}, 4); os.execv(sys.argv[1], sys.argv[1:])"

_START_LIMIT_S = 30.0
_END_LIMIT_S = 5.0
_ADVICE = (
    f"Install Chromium (Debian: apt-get install chromium), Chrome or Edge, or set {CHROMIUM_VARIABLE} to its executable"
)


class BrowserMissing(FailureError):  # noqa: N818 - it is an answer as well
    """There is no browser that can be driven."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that runs.

    Attributes:
        version: as ``Chrome/156.0.8078.79``.
    """

    devtools: DevTools
    version: str


def find_chromium() -> Path:
    """The browser to run: ``WORKBOOK_CHROMIUM``, else Chromium, Chrome or Edge, whichever is here.

    Raises:
        BrowserMissing: none is.
    """
    named = os.environ.get(CHROMIUM_VARIABLE)
    if named:
        if os.access(named, os.X_OK) and Path(named).is_file():
            return Path(named)
        raise BrowserMissing("looking for a browser", f"{named} cannot be run", _ADVICE)
    on_path = (shutil.which(name) for name in _NAMES)
    installed = (path for path in _ON_A_MAC if sys.platform == "darwin" and Path(path).is_file())
    for found in (*on_path, *installed):
        if found:
            return Path(found)
    raise BrowserMissing("looking for a browser", "neither Chromium nor Chrome nor Edge is on this machine", _ADVICE)


def describe_browser() -> str:
    """Which browser would be run, or why none would, in a line for people."""
    try:
        return f"browser: {find_chromium()}"
    except BrowserMissing as missing:
        return f"no browser: {missing.happened}. {missing.advice}."


@asynccontextmanager
async def start_chromium(*switches: str) -> AsyncIterator[Browser]:
    """A browser with a profile of its own, which is removed with it.

    Args:
        switches: besides ours.

    Raises:
        BrowserMissing: there is none, or it does not start.
    """
    executable = await asyncio.to_thread(find_chromium)
    leash, profile = Children(), Path(tempfile.mkdtemp(prefix="workbook-browser-"))
    leash.remove_at_end(profile)
    try:
        # Chromium refuses to run as root with its sandbox; for others it stays.
        as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
        command = (str(executable), *_SWITCHES, *as_root, f"--user-data-dir={profile}", *switches, "about:blank")
        async with _driven(command, leash) as devtools:
            yield Browser(devtools, await _version(devtools, executable))
    finally:
        await asyncio.to_thread(leash.close)


async def _version(devtools: DevTools, executable: Path) -> str:
    try:
        return str((await devtools.ask("Browser.getVersion", limit_s=_START_LIMIT_S))["product"])
    except FailureError as error:
        advice = (
            f"Run {executable} --headless=new --dump-dom about:blank to see why, or name another in {CHROMIUM_VARIABLE}"
        )
        raise BrowserMissing(f"starting {executable}", error.happened, advice) from None


@asynccontextmanager
async def _driven(command: Sequence[str], leash: Children) -> AsyncIterator[DevTools]:
    """The process and its two pipes."""
    with contextlib.ExitStack() as ours:
        with contextlib.ExitStack() as theirs:
            reads, sending = _pipe(theirs, ours)
            hearing, writes = _pipe(ours, theirs)
            process = await _spawn(command, reads, writes)
            leash.hold(process.pid, signal.SIGTERM)
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(hearing), "rb", buffering=0)
        )
        devtools = DevTools(reader, sending, lambda: _last_words(process))
        try:
            yield devtools
        finally:
            with contextlib.suppress(FailureError):
                await devtools.ask("Browser.close", limit_s=_END_LIMIT_S)
            await devtools.close()
            transport.close()
            await _ended(process)
            leash.release(process.pid)


def _pipe(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """Both ends, each closed with its holder; above 9, so that neither is 3 or 4 itself."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end, high_end, holder in zip(ends, high, (reader, writer), strict=True):
        os.close(end)
        holder.callback(os.close, high_end)
    return high[0], high[1]


async def _spawn(command: Sequence[str], reads: int, writes: int) -> asyncio.subprocess.Process:
    script = _AS_3_AND_4.format(reads=reads, writes=writes)
    return await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", script, *command,
        pass_fds=(reads, writes), env=_environment(), start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


def _environment() -> Mapping[str, str]:
    """Without the user's own switches of a Chromium, and without a bus that a machine without a desktop lacks."""
    dropped = ("CHROMIUM_FLAGS", "DBUS_SESSION_BUS_ADDRESS")
    return {name: value for name, value in os.environ.items() if name not in dropped} | {"LC_ALL": "C.UTF-8"}


async def _last_words(process: asyncio.subprocess.Process) -> str:
    with contextlib.suppress(TimeoutError):
        code = await asyncio.wait_for(process.wait(), _END_LIMIT_S)
        return f"the browser ended with {code}"
    return "the browser closed its pipe"


async def _ended(process: asyncio.subprocess.Process) -> None:
    """It has been asked to; its whole session is killed if it does not."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _END_LIMIT_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
