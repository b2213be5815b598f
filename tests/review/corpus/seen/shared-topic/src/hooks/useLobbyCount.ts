import { useEffect, useState } from 'react'
import { supabase } from '../supabase'
import { LOBBY } from '../topics'

export function useLobbyCount() {
  const [count, setCount] = useState(0)
  const [status, setStatus] = useState('')
  useEffect(() => {
    const channel = supabase
      .channel(LOBBY)
      .on('presence', { event: 'sync' }, () => setCount(Object.keys(channel.presenceState()).length))
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])
  return { count, status }
}
