"""Where tabs are measured: a server without quotas in the way, a page, and browsers with the switches needed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from helpers.experiments.browser.chromium import find_chromium, start_chromium
from helpers.experiments.browser.site import Site, serve_page
from helpers.experiments.browser.tab import Tab, open_tab
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target, TargetKind

__all__ = ["ROOMY", "STEADY_HEAP", "Stage", "stage"]

#: No quota in the way of a thousand channels that nobody removes.
ROOMY = RealtimeSettings(
    limits=Limits(users=5_000, channels_per_client=5_000, joins_per_s=1e5, events_per_s=1e7), rates_warm=True
)

#: Without its optimising compilers V8 holds what the page holds, to the byte; with them the heap steps up whenever a
#: function has run often enough (`node --v8-options`).
STEADY_HEAP = "--js-flags=--no-opt --no-sparkplug --no-maglev --no-lazy-feedback-allocation"


@dataclass(frozen=True, slots=True)
class Stage:
    """What tabs are measured against.

    Attributes:
        own_lab: whether the target is a new lab, in place of the one that was named.
        versions: of what the page loads; and of the browser, once one has started.
    """

    target: Target
    site: Site
    own_lab: bool
    versions: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def tab(self, *switches: str) -> AsyncIterator[Tab]:
        """A tab with the page, in a browser of its own that ends with it.

        Raises:
            BrowserMissing: there is no browser.
            FailureError: the page did not load.
        """
        async with start_chromium(*switches) as browser:
            self.versions["browser"] = browser.version
            async with open_tab(browser, self.site.url) as tab:
                yield tab

    @property
    def measured_with(self) -> str:
        """For a note."""
        where = "on a new lab without quotas" if self.own_lab else "on the target itself"
        return f"measured with {', '.join(f'{name} {version}' for name, version in self.versions.items())}, {where}"

    def order(self, **options: Any) -> dict[str, Any]:
        """What the page needs to make a client, and a topic that nobody else uses."""
        topic = f"workbook:tab:{secrets.token_hex(4)}"
        return {"url": self.target.api_url, "key": self.target.publishable_key, "topic": topic} | options


@asynccontextmanager
async def stage(target: Target | None = None, settings: RealtimeSettings = ROOMY) -> AsyncIterator[Stage]:
    """The browser is looked for first, so that nothing is started in vain.

    Args:
        target: to measure against; a new lab in place of a lab, and where none is given.
        settings: of the new lab.

    Raises:
        BrowserMissing: there is no browser.
        NodeError: supabase-js or React are not to be had.
        LabError: the lab did not start.
    """
    find_chromium()
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serve_page())
        if target is not None and target.kind is not TargetKind.LAB:
            yield Stage(target, site, own_lab=False, versions=dict(site.versions))
            return
        lab = await stack.enter_async_context(Lab(LabSettings(realtime=settings)))
        yield Stage(lab.target, site, own_lab=True, versions=dict(site.versions))
