import React from 'react'
import { supabase } from './supabase'

export const OnlineCount = ({ me }) => {
  const [count, setCount] = React.useState(0)

  React.useEffect(() => {
    const channel = supabase.channel('online')
    channel
      .on('presence', { event: 'sync' }, () => setCount(Object.keys(channel.presenceState()).length))
      .subscribe()
    channel.track({ me })
    return () => supabase.removeChannel(channel)
  }, [me])

  return <b>{count}</b>
}
