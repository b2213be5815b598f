'use client'

import { useEffect, useState } from 'react'
import { supabase } from '@/lib/supabase'

type Title = { id: number; title: string }

export function ArticleTitles({ initial }: { initial: Title[] }) {
  const [titles, setTitles] = useState(initial)

  useEffect(() => {
    const channel = supabase
      .channel('titles')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'articles' }, (payload) => {
        const { id, title } = payload.new
        setTitles((titles) => [{ id, title }, ...titles])
      })
      .subscribe((status, error) => {
        if (error) console.error(status, error)
      })
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return titles.map(({ id, title }) => <h2 key={id}>{title}</h2>)
}
