"""How many files of a realistic code base the review reads in a second, beside a naive reading.

The code base is generated into a temporary folder: of a hundred files twelve use Supabase or Prisma, six of these make
channels; the others are components, helpers, tests and styles in code. Naive means one process that parses every file
and walks all nodes of its tree in Python, which is what a first version of such a tool does. On a machine that does
other work as well, the processor time is what can be compared.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from helpers.review import inventory_of
from helpers.review.code.scripts.grammars import parse
from helpers.review.code.scripts.syntax import descendants

FILES = 10_000
ROUNDS = 3

_COMPONENT = """\
import React, {{ useMemo, useState }} from 'react'
import {{ formatDate, groupBy }} from '@/lib/format'
import type {{ Item{n} }} from '@/types'

interface Props {{
  items: Item{n}[]
  onSelect?: (item: Item{n}) => void
}}

export function List{n}({{ items, onSelect }}: Props) {{
  const [query, setQuery] = useState('')
  const [open, setOpen] = useState<Record<string, boolean>>({{}})
  const groups = useMemo(() => groupBy(items.filter((item) => item.title.includes(query)), 'kind'), [items, query])
  return (
    <section className="list" aria-label="List {n}">
      <input value={{query}} onChange={{(event) => setQuery(event.target.value)}} placeholder="Search" />
{rows}
    </section>
  )
}}
"""
_ROW = """\
      {{groups['{k}']?.map((item) => (
        <article key={{item.id}} className={{open[item.id] ? 'open' : 'closed'}} onClick={{() => onSelect?.(item)}}>
          <h3>{{item.title}}</h3>
          <time dateTime={{item.createdAt}}>{{formatDate(item.createdAt, {{ style: 'short', zone: 'UTC' }})}}</time>
          <button onClick={{() => setOpen((all) => ({{ ...all, [item.id]: !all[item.id] }}))}}>{k}</button>
        </article>
      ))}}
"""
_TABLE = """\
import {{ supabase }} from '@/lib/supabase'

export async function load{n}(room: string, limit = 50) {{
  const {{ data, error }} = await supabase
    .from('table_{n}')
    .select('id, title, created_at')
    .eq('room_id', room)
    .order('created_at', {{ ascending: false }})
    .limit(limit)
  if (error) throw error
  return data.map((row) => ({{ ...row, createdAt: new Date(row.created_at) }}))
}}

export async function save{n}(room: string, title: string) {{
  const {{ error }} = await supabase.from('table_{n}').insert({{ room_id: room, title }})
  if (error) throw error
}}
"""
_CHANNEL = """\
'use client'
import {{ useCallback, useEffect, useState }} from 'react'
import {{ supabase }} from '@/lib/supabase'
import {{ TABLES }} from '@/lib/tables'

export function Room{n}({{ roomId }}: {{ roomId: string }}) {{
  const [rows, setRows] = useState<Row[]>([])
  const refresh = useCallback(async () => {{
    const {{ data }} = await supabase.from(TABLES.rows).select('*').eq('room_id', roomId)
    setRows(data ?? [])
  }}, [roomId])

  useEffect(() => {{
    refresh()
    const channel = supabase
      .channel(`room-{n}:${{roomId}}`)
      .on('postgres_changes', {{ event: '*', table: TABLES.rows, filter: `room_id=eq.${{roomId}}` }}, (payload) => {{
        if (payload.eventType === 'INSERT') setRows((all) => [...all, payload.new as Row])
        else if (payload.eventType === 'DELETE') setRows((all) => all.filter((row) => row.id !== payload.old.id))
        else refresh()
      }})
      .on('broadcast', {{ event: 'typing' }}, ({{ payload }}) => setTyping(payload.user))
      .subscribe((status) => setLive(status === 'SUBSCRIBED'))
    return () => {{
      supabase.removeChannel(channel)
    }}
  }}, [roomId, refresh])

  return <ul>{{rows.map((row) => <li key={{row.id}}>{{row.title}}</li>)}}</ul>
}}
"""


def main() -> None:
    """Print the table."""
    folder = Path(tempfile.mkdtemp(prefix="review-"))
    try:
        size = _write(folder)
        found = len(inventory_of(folder).channels)
        print(f"{FILES:,} files, {size / 1e6:.0f} MB, {found:,} channels; {len(os.sched_getaffinity(0))} processors")
        print(f"{'':28}{'n':>4}{'median s':>10}{'min':>8}{'max':>8}{'files/s':>10}{'CPU s':>8}")
        _print_row("review", ROUNDS, lambda: inventory_of(folder))
        _print_row("naive, one process", 1, lambda: _naive(folder))
    finally:
        shutil.rmtree(folder)


def _write(folder: Path) -> int:
    """Write the code base; its size in bytes."""
    (folder / "src/lib").mkdir(parents=True)
    (folder / "src/lib/tables.ts").write_text("export const TABLES = { rows: 'rows' } as const\n")
    size = 0
    for n in range(FILES):
        path, text = _file(n)
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        size += len(text)
    return size


def _file(n: int) -> tuple[str, str]:
    part = f"src/features/part{n // 50:03}"
    if n % 100 < 6:
        return f"{part}/Room{n}.tsx", _CHANNEL.format(n=n)
    if n % 100 < 12:
        return f"{part}/data{n}.ts", _TABLE.format(n=n)
    rows = "".join(_ROW.format(k=f"kind{k}") for k in range(2 + n % 17))
    return f"{part}/List{n}.tsx", _COMPONENT.format(n=n, rows=rows)


def _naive(folder: Path) -> None:
    for path in sorted(folder.rglob("*.ts*")):
        tree = parse(path.name, path.read_bytes())
        sum(node.type == "call_expression" for node in descendants(tree.root_node))


def _print_row(name: str, rounds: int, work: Callable[[], object]) -> None:
    times, cpu = [], _cpu()
    for _ in range(rounds):
        began = time.monotonic()
        work()
        times.append(time.monotonic() - began)
    median, cpu = statistics.median(times), (_cpu() - cpu) / rounds
    spread = f"{min(times):>8.2f}{max(times):>8.2f}"
    print(f"{name:28}{rounds:>4}{median:>10.2f}{spread}{FILES / median:>10,.0f}{cpu:>8.1f}")


def _cpu() -> float:
    """Seconds of processor time so far, of this process and of those that it has waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
