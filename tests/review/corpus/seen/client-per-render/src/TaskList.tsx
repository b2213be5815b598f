import { createClient } from '@supabase/supabase-js'
import { useEffect, useState } from 'react'

type Task = { id: string; title: string; done: boolean }

export function TaskList({ projectId }: { projectId: string }) {
  const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY)
  const [tasks, setTasks] = useState<Task[]>([])
  const [status, setStatus] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel(`tasks:${projectId}`)
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'tasks', filter: `project_id=eq.${projectId}` },
        ({ new: row }) => setTasks((all) => all.map((task) => (task.id === row.id ? (row as Task) : task))),
      )
      .subscribe((next) => setStatus(next))

    return () => {
      supabase.removeChannel(channel)
    }
  }, [supabase, projectId])

  return (
    <ol title={status}>
      {tasks.map((task) => (
        <li key={task.id}>{task.title}</li>
      ))}
    </ol>
  )
}
