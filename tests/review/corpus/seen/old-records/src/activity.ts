import { supabase } from './supabase'

export function watchActivity(projectId: string, tell: (line: string) => void) {
  const channel = supabase
    .channel(`activity:${projectId}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'tasks', filter: `project_id=eq.${projectId}` },
      (payload) => {
        if (payload.old.state !== payload.new.state) tell(`${payload.new.id} is ${payload.new.state} now`)
      },
    )
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'timers' }, (payload) => {
      tell(`${payload.new.seconds - payload.old.seconds} seconds more`)
    })
    .on('postgres_changes', { event: 'DELETE', schema: 'public', table: 'timers' }, (payload) => {
      tell(`a timer of ${payload.old.seconds} seconds was removed`)
    })
    .subscribe((status, error) => {
      if (error) tell(`${status}: ${error.message}`)
    })

  return () => supabase.removeChannel(channel)
}
