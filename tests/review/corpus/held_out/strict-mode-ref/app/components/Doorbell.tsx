'use client'

import { useEffect, useRef, useState } from 'react'
import { supabase } from '../supabase'

export function Doorbell({ door }: { door: string }) {
  const channel = useRef(supabase.channel(`door:${door}`))
  const [rings, setRings] = useState(0)

  useEffect(() => {
    const current = channel.current
    current
      .on('broadcast', { event: 'ring' }, () => setRings((count) => count + 1))
      .subscribe()

    return () => {
      supabase.removeChannel(current)
    }
  }, [])

  return <p>{rings}</p>
}
