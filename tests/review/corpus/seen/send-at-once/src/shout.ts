import { supabase } from './supabase'

export async function shout(room: string, text: string, failed: (status: string) => void) {
  const channel = supabase.channel(`shouts:${room}`, { config: { broadcast: { ack: true } } })
  channel.subscribe((status) => {
    if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') failed(status)
  })
  await channel.send({ type: 'broadcast', event: 'shout', payload: { text } })
  await supabase.removeChannel(channel)
}

export function enter(room: string, name: string, failed: (status: string) => void) {
  const channel = supabase.channel(`lobby:${room}`)
  channel.subscribe((status) => {
    if (status !== 'SUBSCRIBED') failed(status)
  })
  channel.track({ name })
  return () => supabase.removeChannel(channel)
}
