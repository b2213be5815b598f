import useSWR from 'swr'
import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function Board({ id }: { id: string }) {
  const { data, mutate } = useSWR(['board', id], async () => (await supabase.from('cards').select().eq('board', id)).data)
  const [status, setStatus] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel(`cards-of-${id}`)
      .on('postgres_changes', { event: '*', schema: 'public', table: 'cards', filter: `board=eq.${id}` }, () => mutate())
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [id, mutate])

  return <code title={status}>{data?.length}</code>
}
