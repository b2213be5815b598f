import { useEffect, useRef, useState } from 'react'
import { supabase } from './supabase'

export default function Live({ streamId }) {
  const [viewers, setViewers] = useState(0)
  const channelRef = useRef(null)

  useEffect(() => {
    let active = true

    const start = async () => {
      const { data } = await supabase.auth.getUser()
      if (!active) return
      const channel = supabase.channel(`stream:${streamId}`, { config: { presence: { key: data.user.id } } })
      channelRef.current = channel
      channel
        .on('presence', { event: 'sync' }, () => {
          setViewers(Object.keys(channel.presenceState()).length)
        })
        .subscribe(async (status, error) => {
          if (status !== 'SUBSCRIBED') return
          await channel.track({ since: Date.now() })
        })
    }

    start()

    return () => {
      active = false
      if (channelRef.current) supabase.removeChannel(channelRef.current)
    }
  }, [streamId])

  return <small>{viewers} watching</small>
}
