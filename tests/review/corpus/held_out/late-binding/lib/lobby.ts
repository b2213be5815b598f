import type { SupabaseClient } from '@supabase/supabase-js'

export function openLobby(supabase: SupabaseClient, game: string, onSeat: (seat: number) => void) {
  const channel = supabase.channel(`lobby-${game}`).subscribe((status, error) => console.log(status, error))

  channel.on('broadcast', { event: 'chat' }, ({ payload }) => console.log(payload.text))
  channel.on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'seats', filter: `game=eq.${game}` }, (payload) =>
    onSeat(payload.new.number),
  )
  return channel
}
