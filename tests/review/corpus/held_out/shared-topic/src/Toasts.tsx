import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Toasts() {
  const [texts, setTexts] = useState<string[]>([])

  useEffect(() => {
    const channel = supabase
      .channel('alerts')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'alerts' }, ({ new: alert }) =>
        setTexts((texts) => [...texts, alert.text]),
      )
      .subscribe((status, error) => console.debug(status, error))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return texts.map((text) => <p key={text}>{text}</p>)
}
