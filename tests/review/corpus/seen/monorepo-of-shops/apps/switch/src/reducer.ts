import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from './supabase'
import { store } from './store'

let channel: RealtimeChannel | undefined

export function connect(listId: string) {
  channel = supabase
    .channel(`list:${listId}`)
    .on('postgres_changes', { event: '*', schema: 'public', table: 'items', filter: `list_id=eq.${listId}` }, (payload) => {
      switch (payload.eventType) {
        case 'INSERT':
          store.add(payload.new)
          break
        case 'UPDATE':
          store.replace(payload.new)
          break
        case 'DELETE':
          store.remove(payload.old.id)
          break
      }
    })
    .subscribe((status, error) => {
      switch (status) {
        case 'SUBSCRIBED':
          return store.online()
        case 'CHANNEL_ERROR':
        case 'TIMED_OUT':
          return store.offline(error?.message)
      }
    })
}

export async function disconnect() {
  if (channel) await supabase.removeChannel(channel)
  channel = undefined
}
