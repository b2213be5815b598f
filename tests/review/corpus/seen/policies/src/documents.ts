import { supabase } from './supabase'

export function watchDocuments(teamId: string, changed: (row: unknown) => void, failed: (why: string) => void) {
  const channel = supabase
    .channel(`documents:${teamId}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'documents', filter: `team_id=eq.${teamId}` },
      (payload) => changed(payload.new),
    )
    .subscribe((status, error) => {
      if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') failed(error?.message ?? status)
    })
  return () => supabase.removeChannel(channel)
}
