import React from 'react'
import { supabase } from './supabase'

export const Clock = ({ zone }) => {
  const [time, setTime] = React.useState('')

  React.useEffect(() => {
    const channel = supabase
      .channel(`clock-${zone}`)
      .on('broadcast', { event: 'minute' }, ({ payload }) => setTime(payload.time))
      .subscribe((status, error) => console.log(status, error))
    return () => supabase.removeChannel(channel)
  })

  return <time>{time}</time>
}
