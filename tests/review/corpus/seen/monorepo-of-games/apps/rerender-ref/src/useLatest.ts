import { useEffect, useRef, useState } from 'react'
import { supabase } from './supabase'

export function useDocument(documentId: string, onChange: (row: Record<string, unknown>) => void) {
  const latest = useRef(onChange)
  const [status, setStatus] = useState('CLOSED')

  useEffect(() => {
    latest.current = onChange
  })

  useEffect(() => {
    const channel = supabase.channel(`document:${documentId}`)
    channel
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'documents', filter: `id=eq.${documentId}` },
        (payload) => latest.current(payload.new),
      )
      .subscribe(setStatus)
    return () => void supabase.removeChannel(channel)
  }, [documentId])

  return status
}
