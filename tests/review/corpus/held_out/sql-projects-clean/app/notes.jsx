import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Notes({ workspaceId, initialNotes }) {
  const [notes, setNotes] = useState(initialNotes)

  useEffect(() => {
    const where = { schema: 'public', table: 'notes', filter: `workspace_id=eq.${workspaceId}` }
    const channel = supabase
      .channel(`notes-${workspaceId}`)
      .on('postgres_changes', { ...where, event: 'INSERT' }, ({ new: note }) => setNotes((all) => all.concat(note)))
      .on('postgres_changes', { ...where, event: 'DELETE' }, ({ old }) =>
        setNotes((all) => all.filter((note) => note.id !== old.id)),
      )
      .subscribe((status, error) => error && console.error(status, error))
    return () => supabase.removeChannel(channel)
  }, [workspaceId])

  return notes.map((note) => <p key={note.id}>{note.title}</p>)
}
