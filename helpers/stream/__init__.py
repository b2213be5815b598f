"""A stream of numbered broadcasts, as data, in any form that they can travel in, and the processes that handle it.

`forms` says how an application's data becomes a payload and back, `order` what is sent when; `sender` is the process
that sends, `compressor` a relay that compresses as the server does not. Whoever starts these is above; they import
little, so that they start soon.
"""

from __future__ import annotations

from helpers.stream.forms import Content, Form, Item
from helpers.stream.order import Sent, Stream

__all__ = ["Content", "Form", "Item", "Sent", "Stream"]
