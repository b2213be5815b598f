import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'

const Realtime = createContext<{ client: SupabaseClient; state: string } | null>(null)

export function RealtimeProvider({ url, anonKey, orgId, children }: { url: string; anonKey: string; orgId: string; children: ReactNode }) {
  const client = useMemo(() => createClient(url, anonKey), [url, anonKey])
  const [state, setState] = useState('CLOSED')
  const [revision, setRevision] = useState(0)

  useEffect(() => {
    const channel = client.channel(`org:${orgId}`, { config: { private: true } })
    channel
      .on('broadcast', { event: 'settings' }, ({ payload }) => setRevision(payload.revision))
      .subscribe((next, error) => {
        setState(next)
        if (error) console.error(error)
      })
    return () => {
      void client.removeChannel(channel)
    }
  }, [client, orgId])

  const value = useMemo(() => ({ client, state, revision }), [client, state, revision])
  return <Realtime.Provider value={value}>{children}</Realtime.Provider>
}

export const useRealtime = () => useContext(Realtime)
