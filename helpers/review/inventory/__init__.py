"""What a code base does with Realtime, as plain data.

Nothing in here parses or judges. What cannot be told from the code is a pattern or None, never a guess.
All of it can be pickled, as files are parsed in processes of their own.
"""

from __future__ import annotations

from helpers.review.inventory.channels import Binding, Channel, Client, KeyKind, Removal, Send
from helpers.review.inventory.effects import Dependency, Effect
from helpers.review.inventory.files import FileFacts, Ignore, Import, Inventory, Unread
from helpers.review.inventory.handlers import Comparison, Deed, DeedKind, Given, Handler, PassedOn
from helpers.review.inventory.text import Hole, Text
from helpers.review.inventory.uses import AuthUse, Poll, PrismaCall, Rendering, TableCall
from helpers.review.inventory.where import Scope, ScopeKind, Where

__all__ = [
    "AuthUse",
    "Binding",
    "Channel",
    "Client",
    "Comparison",
    "Deed",
    "DeedKind",
    "Dependency",
    "Effect",
    "FileFacts",
    "Given",
    "Handler",
    "Hole",
    "Ignore",
    "Import",
    "Inventory",
    "KeyKind",
    "PassedOn",
    "Poll",
    "PrismaCall",
    "Removal",
    "Rendering",
    "Scope",
    "ScopeKind",
    "Send",
    "TableCall",
    "Text",
    "Unread",
    "Where",
]
