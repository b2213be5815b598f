import { supabase } from './supabase'

export function joinGame(gameId: string, onMove: (move: unknown) => void, onStatus: (status: string) => void) {
  const channel = supabase
    .channel(`game:${gameId}`, { config: { private: true } })
    .on('broadcast', { event: 'move' }, ({ payload }) => onMove(payload))
    .subscribe(onStatus)
  return () => supabase.removeChannel(channel)
}
