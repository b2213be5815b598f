import { useAuth } from '@clerk/clerk-react'
import { useEffect, useState, type ReactNode } from 'react'
import { supabase } from './supabase'

export function RealtimeGate({ children }: { children: ReactNode }) {
  const { getToken } = useAuth()
  const [ready, setReady] = useState(false)

  useEffect(() => {
    async function login() {
      const token = await getToken({ template: 'supabase' })
      await supabase.realtime.setAuth(token)
      setReady(true)
    }
    login()
  }, [getToken])

  return ready ? <>{children}</> : null
}
