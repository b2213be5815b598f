import { useEffect, useState } from 'react'
import { useSupabase } from './SupabaseProvider'

export function Sidebar({ project }: { project: string }) {
  const supabase = useSupabase()
  const [files, setFiles] = useState<string[]>([])
  const [builds, setBuilds] = useState(0)
  const range = { project, limit: 50 }

  useEffect(() => {
    const a = supabase
      .channel(`files-${project}`)
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'files', filter: `project=eq.${project}` }, (p) =>
        setFiles((files) => [...files, p.new.path]),
      )
      .subscribe((status, error) => console.debug('files', status, error))
    const b = supabase
      .channel(`builds-${project}`)
      .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'builds', filter: `project=eq.${project}` }, () =>
        setBuilds((n) => n + 1),
      )
      .subscribe((status, error) => console.debug('builds', status, error))

    return () => {
      supabase.removeChannel(a)
      supabase.removeChannel(b)
    }
  }, [supabase, project])

  useEffect(() => {
    const channel = supabase
      .channel(`log-${range.project}`)
      .on('broadcast', { event: 'line' }, ({ payload }) => console.log(payload.line))
      .subscribe((status, error) => console.debug('log', status, error))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [supabase, range])

  return (
    <nav>
      {files.slice(-range.limit).map((file) => (
        <a key={file}>{file}</a>
      ))}
      <b>{builds}</b>
    </nav>
  )
}
