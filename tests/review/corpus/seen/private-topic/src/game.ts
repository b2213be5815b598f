import { supabase } from './supabase'

export function joinGame(gameId: string, onMove: (move: unknown) => void, onStatus: (status: string) => void) {
  const channel = supabase
    .channel(`game:${gameId}`, { config: { private: true } })
    .on('broadcast', { event: 'move' }, ({ payload }) => onMove(payload))
    .subscribe(onStatus)
  return () => supabase.removeChannel(channel)
}

export function readInvitations(userId: string, onInvitation: (from: string) => void, onStatus: (status: string) => void) {
  const channel = supabase
    .channel(`user:${userId}`)
    .on('broadcast', { event: 'invitation' }, ({ payload }) => onInvitation(payload.from))
    .subscribe(onStatus)
  return () => supabase.removeChannel(channel)
}
