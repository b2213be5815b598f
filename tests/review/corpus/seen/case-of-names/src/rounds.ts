import { supabase } from './supabase'

export function watchRounds(game: string, done: (round: { id: number; winner: string }) => void, status: (s: string) => void) {
  const channel = supabase
    .channel(`rounds-of-${game}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'game_rounds', filter: `game=eq.${game}` },
      (payload) => done({ id: payload.new.id, winner: payload.new.winner }),
    )
    .subscribe((next) => status(next))
  return () => supabase.removeChannel(channel)
}
