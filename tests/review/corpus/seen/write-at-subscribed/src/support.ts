import { supabase } from './supabase'

export async function openTicket(ticketId: string, text: string, show: (row: unknown) => void) {
  const channel = supabase.channel(`ticket:${ticketId}`)

  channel
    .on(
      'postgres_changes',
      { event: 'INSERT', schema: 'public', table: 'ticket_messages', filter: `ticket_id=eq.${ticketId}` },
      (payload) => show(payload.new),
    )
    .subscribe(async (status, error) => {
      if (error) throw error
      if (status === 'SUBSCRIBED') {
        await supabase.from('ticket_messages').insert({ ticket_id: ticketId, text })
      }
    })

  return () => supabase.removeChannel(channel)
}
