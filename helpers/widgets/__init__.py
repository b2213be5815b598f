"""What is shown live in a notebook, and can be pressed. Each has a plain text, for where there are no widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.widgets.load import LoadPanel
    from helpers.widgets.status import StatusPanel
    from helpers.widgets.switchboard import Switchboard
    from helpers.widgets.tail import EventTail
    from helpers.widgets.watch import WatchPanel
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "load": ("LoadPanel",),
            "status": ("StatusPanel",),
            "switchboard": ("Switchboard",),
            "tail": ("EventTail",),
            "watch": ("WatchPanel",),
        },
    )

__all__ = ["EventTail", "LoadPanel", "StatusPanel", "Switchboard", "WatchPanel"]
