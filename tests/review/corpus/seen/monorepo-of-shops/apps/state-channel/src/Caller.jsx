import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Caller({ callId, onLeave }) {
  const [channel, setChannel] = useState(null)
  const [status, setStatus] = useState('')

  useEffect(() => {
    const made = supabase.channel(`call:${callId}`)
    made.on('broadcast', { event: 'hangup' }, () => onLeave()).subscribe(setStatus)
    setChannel(made)
  }, [callId, onLeave])

  useEffect(() => {
    if (!channel) return
    return () => {
      supabase.removeChannel(channel)
    }
  }, [channel])

  return <button onClick={() => channel?.send({ type: 'broadcast', event: 'hangup', payload: {} })}>{status}</button>
}
