import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Sidebar() {
  const [names, setNames] = useState<string[]>([])
  const [failed, setFailed] = useState(false)

  useEffect(() => {
    const channel = supabase
      .channel('presence-of-all')
      .on('presence', { event: 'sync' }, () => setNames(Object.keys(channel.presenceState())))
      .subscribe((status) => setFailed(status === 'CHANNEL_ERROR'))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return <nav hidden={failed}>{names.join(', ')}</nav>
}
