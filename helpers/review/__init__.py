"""The subscription review: from an application's code to a plan.

`files` says what is read, `code` and `database` turn it into an `inventory`, `rules` judge that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.review.findings import Finding, Severity
    from helpers.review.inventory import Inventory
    from helpers.review.reviewing import Review, inventory_of, review
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "reviewing": ("Review", "inventory_of", "review"),
            "inventory": ("Inventory",),
            "findings": ("Finding", "Severity"),
        },
    )

__all__ = ["Finding", "Inventory", "Review", "Severity", "inventory_of", "review"]
