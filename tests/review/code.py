"""Code to be reviewed, written into a folder."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from helpers.review import Inventory, inventory_of
from helpers.review.inventory import Binding, Channel, Handler

__all__ = ["binding_of", "channel_of", "handler_of", "inventory_in"]

#: What most snippets stand in.
PROLOGUE = "import { supabase } from '@/lib/supabase'\n"


def inventory_in(folder: Path, files: Mapping[str, str]) -> Inventory:
    """The inventory of files, by their paths."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return inventory_of(folder)


def channel_of(folder: Path, code: str, path: str = "src/Chat.tsx") -> Channel:
    """The only channel of one file."""
    (channel,) = inventory_in(folder, {path: textwrap.dedent(code)}).channels
    return channel


def binding_of(folder: Path, code: str, path: str = "src/Chat.tsx") -> Binding:
    (binding,) = channel_of(folder, code, path).bindings
    return binding


def handler_of(folder: Path, handler: str, before: str = "", event: str = "*") -> Handler:
    """The handler of a binding in an effect of a component, written as the expression."""
    code = f"""\
import {{ supabase }} from '@/lib/supabase'
export function Chat({{ roomId, onMessage }}) {{
  const [messages, setMessages] = useState([])
  const queryClient = useQueryClient()
  const [unusual, getMessage] = useState([])
  {before}
  useEffect(() => {{
    const channel = supabase.channel('chat').on(
      'postgres_changes',
      {{ event: '{event}', schema: 'public', table: 'messages' }},
      {handler},
    ).subscribe()
    return () => {{ supabase.removeChannel(channel) }}
  }}, [roomId])
}}
"""
    found = binding_of(folder, code).handler
    assert found is not None
    return found
