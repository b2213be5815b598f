import { useEffect, useState } from 'react'
import { supabase } from '../supabase'
import { LOBBY } from '../topics'

export function useLobbyNews() {
  const [news, setNews] = useState('')
  const [status, setStatus] = useState('')
  useEffect(() => {
    const channel = supabase
      .channel(LOBBY)
      .on('broadcast', { event: 'news' }, ({ payload }) => setNews(payload.text))
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])
  return { news, status }
}
