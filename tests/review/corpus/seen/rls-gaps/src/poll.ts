import { supabase } from './supabase'

export function watchPoll(pollId: number, on: { vote(): void; close(): void; status(text: string): void }) {
  const channel = supabase
    .channel(`poll-${pollId}`)
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'votes', filter: `poll_id=eq.${pollId}` },
      () => on.vote(),
    )
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'polls', filter: `id=eq.${pollId}` },
      () => on.close(),
    )
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'visits' }, () => on.vote())
    .subscribe((status) => on.status(status))
  return () => supabase.removeChannel(channel)
}
