import { supabase } from './supabase'

const SCHEMA = 'public'

export const watchPlayers = (game: string, left: (id: string) => void, onStatus: (s: string) => void) => {
  const channel = supabase.channel(`players-${game}`)
  channel.on('postgres_changes', { event: '*', schema: SCHEMA, table: 'players', filter: `game=eq.${game}` }, (change) => {
    switch (change.eventType) {
      case 'UPDATE':
        left(change.new.id)
        break
    }
  })
  channel.subscribe(onStatus)
  return channel
}
