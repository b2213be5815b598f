import { supabase } from './supabase'

export function openLobby(gameId: string, onPlayer: (row: unknown) => void, onStatus: (status: string) => void) {
  const channel = supabase.channel(`lobby-${gameId}`)
  channel.subscribe(onStatus)
  channel.on(
    'postgres_changes',
    { event: 'INSERT', schema: 'public', table: 'players', filter: `game_id=eq.${gameId}` },
    (payload) => onPlayer(payload.new),
  )
  return () => supabase.removeChannel(channel)
}
