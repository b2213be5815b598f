import { supabase } from './supabase'

export function shout(room: string, text: string) {
  return new Promise<void>((resolve, reject) => {
    const channel = supabase.channel(`shouts:${room}`)
    channel.subscribe(async (status) => {
      if (status === 'SUBSCRIBED') {
        await channel.send({ type: 'broadcast', event: 'shout', payload: { text } })
        await supabase.removeChannel(channel)
        resolve()
      } else if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') {
        reject(new Error(`no connection: ${status}`))
      }
    })
  })
}
