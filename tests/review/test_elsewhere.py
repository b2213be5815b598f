"""Findings about channels that a helper of another file makes."""

from __future__ import annotations

from pathlib import Path

from helpers.review import Review, review

HELPER = """
import { supabase } from './supabase'
export function listen(table: string, filter: string | undefined, heard: (payload: any) => void, status: any) {
  const channel = supabase.channel(`of:${table}`)
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table, filter }, heard)
    .subscribe(status)
  return () => { supabase.removeChannel(channel) }
}
"""
PAGE = """
'use client'
import { useEffect, useState } from 'react'
import { listen } from './listen'
export function Page({ org }: { org: string }) {
  const [rows, setRows] = useState<any[]>([])
  const [status, setStatus] = useState('')
  useEffect(() => {
    return listen('orders', undefined, (payload) => {
      if (payload.new.org !== org) return
      setRows((all) => [...all, payload.new])
    }, setStatus)
  }, [org])
  useEffect(() => {
    listen('items', `org=eq.${org}`, (payload) => setRows((all) => [...all, payload.new]), setStatus)
  }, [org])
  return <p title={status}>{rows.length}</p>
}
"""


def reviewed(folder: Path) -> Review:
    (folder / "listen.ts").write_text(HELPER)
    (folder / "page.tsx").write_text(PAGE)
    return review(folder)


def test_each_use_of_a_helper_is_judged(tmp_path: Path) -> None:
    """One use asks for a whole table, the other one forgets to stop; each finding leads to its use."""
    found = {each.rule: [str(place) for place in each.related] for each in reviewed(tmp_path).findings}
    assert found == {
        "full_table": ["page.tsx:10:11", "page.tsx:9:12"],
        "channel_not_removed": ["page.tsx:14:3"],
    }


def test_what_is_silenced_is_counted(tmp_path: Path) -> None:
    """A comment in the helper is about all of its uses."""
    told = reviewed(tmp_path)
    (tmp_path / "listen.ts").write_text(HELPER.replace("    .on(", "    // workbook-ignore full_table\n    .on("))
    after = review(tmp_path)
    assert len(after.findings) == len(told.findings) - 1
    assert [each.rule for each in after.silenced] == ["full_table"]
