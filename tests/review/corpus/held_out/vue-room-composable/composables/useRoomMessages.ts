import { onUnmounted, ref, watch, type Ref } from 'vue'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from '~/services/supabase'

export function useRoomMessages(roomId: Ref<number>) {
  const messages = ref<{ id: number; text: string; deleted: boolean }[]>([])
  let channel: RealtimeChannel | undefined

  watch(
    roomId,
    async (id) => {
      if (channel) await supabase.removeChannel(channel)
      messages.value = []
      channel = supabase
        .channel(`room-${id}`)
        .on(
          'postgres_changes',
          { event: 'INSERT', schema: 'public', table: 'messages', filter: `room_id=eq.${id}&deleted=eq.false` },
          (payload) => messages.value.push(payload.new as (typeof messages.value)[number]),
        )
        .subscribe((status, error) => {
          if (status === 'CHANNEL_ERROR') console.error(error)
        })
    },
    { immediate: true },
  )

  onUnmounted(() => {
    if (channel) supabase.removeChannel(channel)
  })

  return messages
}
