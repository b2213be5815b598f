import type { RealtimePostgresChangesPayload, SupabaseClient } from '@supabase/supabase-js'

type Row = Record<string, unknown>
type Options = {
  table: string
  filter?: string
  onChange: (payload: RealtimePostgresChangesPayload<Row>) => void
  onStatus: (status: string, error?: Error) => void
}

export function subscribeToTable(client: SupabaseClient, { table, filter, onChange, onStatus }: Options) {
  const channel = client
    .channel(`table:${table}:${filter ?? 'all'}`)
    .on('postgres_changes', { event: '*', schema: 'public', table, filter }, onChange)
    .subscribe(onStatus)
  return () => client.removeChannel(channel)
}
