import { useEffect, useRef } from 'react'
import type { RealtimePostgresChangesPayload } from '@supabase/supabase-js'
import { supabase } from '../lib/supabase'

type Row = Record<string, unknown>
type Listener = (payload: RealtimePostgresChangesPayload<Row>) => void

export function useRealtimeTable(table: string, filter: string | undefined, listener: Listener) {
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })

  useEffect(() => {
    const channel = supabase
      .channel(['table', table, filter ?? 'all'].join(':'))
      .on('postgres_changes', { event: '*', schema: 'public', table, filter }, (payload) => latest.current(payload))
      .subscribe((status, error) => {
        if (status === 'CHANNEL_ERROR') console.error(table, error?.message)
      })
    return () => {
      void supabase.removeChannel(channel)
    }
  }, [table, filter])
}
