import { useEffect, useState } from 'react'
import { supabase } from './supabase'

type Line = { id: number; level: string; text: string }

export function Log({ me }: { me: string }) {
  const [lines, setLines] = useState<Line[]>([])
  const [alarm, setAlarm] = useState(false)
  const [mine, setMine] = useState(0)
  const [state, setState] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel('log')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'log' }, (payload) => {
        const line = payload.new as Line & { author: string }
        setLines((all) => [...all.slice(-99), line])
        if (line.level === 'error') setAlarm(true)
        if (line.author === me) setMine((n) => n + 1)
      })
      .subscribe(setState)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [me])

  return <pre data-alarm={alarm} data-state={state} data-mine={mine}>{lines.map((line) => line.text).join('\n')}</pre>
}
