import { supabase } from '../supabase'

export function subscribeToMessages(room: string, onInsert: (row: unknown) => void, onStatus: (s: string) => void) {
  return supabase
    .channel(`messages:${room}`)
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages', filter: `room=eq.${room}` }, (p) =>
      onInsert(p.new),
    )
    .subscribe(onStatus)
}
