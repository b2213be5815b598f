import { supabase } from './client'

export function watchTasks(projectId: string, onTask: (task: unknown) => void) {
  const channel = supabase
    .channel(`tasks:${projectId}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'tasks', filter: 'project_id=eq.' + projectId },
      (payload) => onTask(payload.new),
    )
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'projects', filter: 'id=eq.' + projectId },
      (payload) => onTask(payload.new),
    )
    .subscribe((status, error) => console.log(status, error))

  return () => supabase.removeChannel(channel)
}
