"""One file of TypeScript, JavaScript, Vue or Svelte as a draft."""

from __future__ import annotations

from helpers.review.code.drafts import Draft
from helpers.review.code.scripts.calls import exported_functions, helpers_and_calls
from helpers.review.code.scripts.exports import exports_of
from helpers.review.code.scripts.facts import facts_of
from helpers.review.code.scripts.module import Module
from helpers.review.inventory import FileFacts

__all__ = ["read"]


def read(path: str, text: str, exports_only: bool = False) -> Draft:
    """Parse a file.

    Args:
        path: relative to the reviewed folder.
        exports_only: whether nothing but what it exports is asked for: constants, and what its functions do.
    """
    module = Module(path, text.encode("utf-8", "replace"))
    exports = tuple(exports_of(module))
    if exports_only:
        return Draft(FileFacts(path, module.language), exports=(*exports, *exported_functions(module)))
    facts = facts_of(module)
    helpers, calls = helpers_and_calls(module, facts.channels)
    return Draft(facts, helpers, calls, exports)
