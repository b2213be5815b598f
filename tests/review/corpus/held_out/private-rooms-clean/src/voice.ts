import { supabase } from './supabase'

export async function joinVoice(room: string, userId: string, onSignal: (signal: unknown) => void) {
  await supabase.realtime.setAuth()
  const signals = supabase
    .channel(`voice:${room}`, { config: { private: true } })
    .on('broadcast', { event: 'signal' }, ({ payload }) => onSignal(payload))
    .subscribe((status, error) => console.log('voice', status, error))
  const inbox = supabase
    .channel(`user:${userId}`, { config: { private: true } })
    .on('broadcast', { event: 'call' }, ({ payload }) => onSignal(payload))
    .subscribe((status, error) => console.log('inbox', status, error))
  return () => Promise.all([supabase.removeChannel(signals), supabase.removeChannel(inbox)])
}
