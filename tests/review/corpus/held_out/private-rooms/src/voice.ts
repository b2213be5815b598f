import { supabase } from './supabase'

export function joinVoice(room: string, onSignal: (signal: unknown) => void) {
  const channel = supabase.channel(`voice:${room}`, { config: { private: true, broadcast: { self: false } } })
  channel
    .on('broadcast', { event: 'signal' }, ({ payload }) => onSignal(payload))
    .subscribe((status, error) => {
      if (status === 'CHANNEL_ERROR') console.error('voice', error)
    })
  return channel
}
