import { supabase } from './supabase'

type InvoiceRow = { id: number | string; client_no: string; paid: boolean }

export function onPaid(invoice: bigint, client: string, paid: () => void) {
  const channel = supabase
    .channel(`invoices:${client}`)
    .on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'invoices', filter: `client_no=eq.${client}` },
      (payload) => {
        const row = payload.new as InvoiceRow
        remember(row)
      },
    )
    .subscribe((status) => status !== 'SUBSCRIBED' && console.warn(status))

  const known = new Map<string, InvoiceRow>()
  function remember(row: InvoiceRow) {
    known.set(String(row.id), row)
    if (known.get(String(invoice))?.paid) paid()
  }
  return () => supabase.removeChannel(channel)
}
