import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function useAlerts(siteId) {
  const [alerts, setAlerts] = useState([])
  const [live, setLive] = useState(false)

  useEffect(() => {
    const channel = supabase
      .channel(`alerts-${siteId}`)
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'alerts' }, ({ new: alert }) => {
        const { site_id, level } = alert
        if (site_id != siteId) return
        if (level === 'critical') document.title = '!'
        setAlerts((all) => [alert, ...all])
      })
      .subscribe((status) => setLive(status === 'SUBSCRIBED'))

    return function cleanup() {
      supabase.removeChannel(channel)
    }
  }, [siteId])

  return { alerts, live }
}
