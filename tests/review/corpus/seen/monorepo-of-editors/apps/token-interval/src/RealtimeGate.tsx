import { useAuth } from '@clerk/clerk-react'
import { useEffect } from 'react'
import { supabase } from './supabase'

export function RealtimeGate() {
  const { getToken } = useAuth()

  useEffect(() => {
    const renew = async () => {
      const token = await getToken({ template: 'supabase' })
      await supabase.realtime.setAuth(token)
    }
    renew()
    const timer = setInterval(renew, 50_000)
    return () => clearInterval(timer)
  }, [getToken])

  return null
}
