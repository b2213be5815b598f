"""Every error that a person meets, in one tree.

An error says what was tried, what happened and what to do. The shell and the notebooks print exactly that,
without a stack trace.

    WorkbookError
    ├── InputError            what the person gave cannot be used             exit code 2
    │   ├── TargetError       URL, keys or .env do not name a usable Supabase
    │   └── SettingsError     a settings file or an option is wrong
    └── FailureError          the input was fine, the world was not           exit code 1
        ├── ConnectionFailed  a server did not answer, or refused
        ├── JoinFailed        a channel was refused, or not ready in time
        ├── LabError          the embedded Supabase did not start or broke
        ├── NodeError         Node or its pinned parts are not to be had
        ├── PrismaError       the client could not be generated, or a migration failed
        └── RunError          a notebook failed, or its results could not be written
"""

from __future__ import annotations

__all__ = [
    "ConnectionFailed",
    "FailureError",
    "InputError",
    "JoinFailed",
    "LabError",
    "NodeError",
    "PrismaError",
    "RunError",
    "SettingsError",
    "TargetError",
    "WorkbookError",
]


class WorkbookError(Exception):
    """Base of the tree.

    Args:
        tried: what was being done, as the end of "While …" (for example "starting PostgreSQL").
        happened: what went wrong, one sentence without a trailing full stop.
        advice: what to do now, one imperative sentence without a trailing full stop.
    """

    exit_code = 1

    def __init__(self, tried: str, happened: str, advice: str) -> None:
        super().__init__(tried, happened, advice)
        self.tried = tried
        self.happened = happened
        self.advice = advice

    def __str__(self) -> str:
        return f"While {self.tried}: {self.happened}.\nWhat to do: {self.advice}."

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a stack trace."""
        return [f"{type(self).__name__}: {self}"]


class InputError(WorkbookError):
    """What the person gave cannot be used."""

    exit_code = 2


class TargetError(InputError):
    """URL, keys or `.env` do not name a usable Supabase."""


class SettingsError(InputError):
    """A settings file or a command-line option is wrong."""


class FailureError(WorkbookError):
    """The input was fine, the world was not."""


class ConnectionFailed(FailureError):  # noqa: N818 - the sentence it makes reads better than ConnectionFailedError
    """A server did not answer, or refused. `status` is the HTTP status of a refused handshake, if there was one."""

    def __init__(self, tried: str, happened: str, advice: str, *, status: int | None = None) -> None:
        super().__init__(tried, happened, advice)
        self.status = status


class JoinFailed(FailureError):  # noqa: N818
    """A channel was refused, or was not ready in time. `reason` is the server's own sentence."""

    def __init__(self, tried: str, happened: str, advice: str, *, reason: str = "") -> None:
        super().__init__(tried, happened, advice)
        self.reason = reason


class LabError(FailureError):
    """The embedded Supabase did not start, or broke."""


class NodeError(FailureError):
    """Node or its pinned parts are not to be had."""


class PrismaError(FailureError):
    """The Prisma client could not be generated, or a migration failed."""


class RunError(FailureError):
    """A notebook failed, or its results could not be written."""
