import { onBeforeUnmount, onMounted, ref } from 'vue'
import type { RealtimeChannel } from '@supabase/supabase-js'
import { supabase } from '../lib/supabase'

export function useTicket(ticketId: number) {
  const comments = ref<{ id: number; note: string }[]>([])
  const openTickets = ref(0)
  let channel: RealtimeChannel | undefined

  onMounted(() => {
    channel = supabase
      .channel(`ticket-${ticketId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'ticket_comment', filter: `ticket_id=eq.${ticketId}` },
        (payload) => {
          comments.value.push({ id: payload.new.id, note: payload.new.note })
        },
      )
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'tickets', filter: 'status=eq.open' },
        () => {
          openTickets.value++
        },
      )
      .subscribe((status, error) => {
        console.info('[ticket]', status, error?.message)
      })
  })

  onBeforeUnmount(() => {
    if (channel) supabase.removeChannel(channel)
  })

  return { comments, openTickets }
}
