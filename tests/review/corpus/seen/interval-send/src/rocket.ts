import { supabase } from './supabase'

export function fly(id: string, position: () => [number, number], draw: (p: unknown) => void, status: (s: string) => void) {
  const channel = supabase.channel(`rocket:${id}`)
  let timer: ReturnType<typeof setInterval> | undefined

  channel.on('broadcast', { event: 'position' }, ({ payload }) => draw(payload)).subscribe((next) => {
    status(next)
    if (next !== 'SUBSCRIBED') return
    timer = setInterval(() => {
      channel.track({ at: position() })
    }, 1000)
  })

  return () => {
    clearInterval(timer)
    void supabase.removeChannel(channel)
  }
}
