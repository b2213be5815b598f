import { useEffect, useState } from 'react'
import { supabase } from './supabase'

type Deal = { id: number; title: string; owner: { name: string } }

export function useDeals(pipelineId: number) {
  const [deals, setDeals] = useState<Map<number, Deal>>(new Map())
  const [status, setStatus] = useState('')

  useEffect(() => {
    async function fetchDeal(id: number) {
      const { data } = await supabase.from('deals').select('id, title, owner:people(name)').eq('id', id).single()
      if (data) setDeals((all) => new Map(all).set(id, data as never))
    }

    const channel = supabase
      .channel(`deals:${pipelineId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'deals', filter: `pipeline_id=eq.${pipelineId}` },
        (payload) => fetchDeal(payload.new.id),
      )
      .subscribe((next) => setStatus(next))

    return () => {
      supabase.removeChannel(channel)
    }
  }, [pipelineId])

  return { deals, status }
}
