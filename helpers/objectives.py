"""What is asked of a Realtime application, declared once: report, notebooks, alerts and dashboard take it from here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from helpers.errors import SettingsError

__all__ = ["Objectives"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """Targets, in seconds, bytes and shares of one. The defaults are those of the workbook's specification.

    Attributes:
        connect_s: from DNS to an open socket.
        delivery_s: from writing to receiving, by whichever path.
        share: of connections and deliveries that must keep to their time (0.95: the 95th percentile).
        throughput_per_s: messages a second on one channel, without loss.
        uptime: share of the time in which a critical channel serves.
        payload_bytes: of a message, on average.
        memory_bytes, cpu: of a client, for each active subscription; CPU as a share of one core.
        recovery_s: from the loss of a connection until the channel serves again.
        change_alert_s: when the delivery of database changes rouses somebody. A genuine server looks for changes every
            half a second when it is idle, so that an alert at 50 ms would never end; the verdict stays at `delivery_s`.
        period_days: over which error budgets run.
    """

    connect_s: float = 0.1
    delivery_s: float = 0.05
    share: float = 0.95
    throughput_per_s: float = 1_000
    uptime: float = 0.999
    payload_bytes: float = 1_000
    memory_bytes: float = 10_000_000
    cpu: float = 0.05
    recovery_s: float = 30
    change_alert_s: float = 1
    period_days: float = 30

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            most = 1.0 if field.name in _SHARES else float("inf")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < most:
                bound = "above 0 and below 1" if most == 1 else "above 0"
                raise SettingsError("reading the objectives", f"{field.name} is {value!r}", f"Give a number {bound}")

    @classmethod
    def from_file(cls, path: Path) -> Objectives:
        """Read them from a TOML file that names those that differ from the defaults.

        Raises:
            SettingsError: the file cannot be read, or names something that there is not.
        """
        tried = f"reading the objectives from {path}"
        try:
            given = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(tried, str(error), "Give a TOML file, for example: connect_s = 0.2") from None
        known = [field.name for field in fields(cls)]
        if strangers := sorted(given.keys() - set(known)):
            raise SettingsError(tried, f"it names {', '.join(strangers)}", f"Known are {', '.join(known)}")
        return cls(**given)


#: Shares of one, which can be neither nothing nor all.
_SHARES = ("share", "uptime")
