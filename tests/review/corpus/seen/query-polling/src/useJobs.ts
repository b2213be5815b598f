import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { supabase } from './supabase'

type Job = { id: number; state: string }

export function useJobs(queue: string) {
  const client = useQueryClient()
  const [status, setStatus] = useState('')
  const { data } = useQuery({
    queryKey: ['jobs', queue],
    queryFn: async () => {
      const { data } = await supabase.from('jobs').select('id, state').eq('queue', queue)
      return (data ?? []) as Job[]
    },
    refetchInterval: 5000,
  })

  useEffect(() => {
    const channel = supabase
      .channel(`jobs:${queue}`)
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'jobs', filter: `queue=eq.${queue}` },
        (payload) => {
          client.setQueryData<Job[]>(['jobs', queue], (all = []) =>
            all.map((job) => (job.id === payload.new.id ? (payload.new as Job) : job)),
          )
        },
      )
      .subscribe((next) => setStatus(next))
    return () => {
      supabase.removeChannel(channel)
    }
  }, [client, queue])

  return { jobs: data ?? [], status }
}
