import { onMounted, onUnmounted, ref } from 'vue'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from '@/supabase'

export function useOnlineUsers(room: string, userId: string) {
  const users = ref<string[]>([])
  const state = ref('connecting')
  let channel: RealtimeChannel | undefined

  onMounted(() => {
    channel = supabase.channel(`online:${room}`, { config: { private: true, presence: { key: userId } } })
    channel
      .on('presence', { event: 'sync' }, () => {
        users.value = Object.keys(channel!.presenceState())
      })
      .subscribe(async (status) => {
        state.value = status
        if (status === 'SUBSCRIBED') {
          await channel!.track({ online_at: new Date().toISOString() })
        }
      })
  })

  onUnmounted(() => {
    if (channel) supabase.removeChannel(channel)
  })

  return { users, state }
}
