"""A stream of numbered broadcasts, in any form that they can travel in, sent by a process of its own at fixed times."""

from __future__ import annotations

from helpers.experiments.stream.forms import Content, Form, Item
from helpers.experiments.stream.order import Sent, Stream
from helpers.experiments.stream.quota import unhindered
from helpers.experiments.stream.sending import Sender

__all__ = ["Content", "Form", "Item", "Sender", "Sent", "Stream", "unhindered"]
