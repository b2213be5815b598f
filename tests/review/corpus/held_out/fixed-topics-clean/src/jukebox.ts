import { supabase } from './supabase'

const KINDS = ['queue', 'volume', 'lights'] as const

export function connect(bar: string, act: (kind: string, value: unknown) => void) {
  const channels = KINDS.map((kind) =>
    supabase
      .channel(`bar:${bar}:${kind}`)
      .on('broadcast', { event: 'set' }, ({ payload }) => act(kind, payload.value))
      .subscribe((status, error) => console.debug(kind, status, error)),
  )
  return () => channels.forEach((channel) => void supabase.removeChannel(channel))
}
