import { debounce } from 'lodash-es'
import { useEffect, useMemo } from 'react'
import useSWR from 'swr'
import { supabase } from './supabase'

const load = async () => (await supabase.from('invoices').select('id, total').throwOnError()).data

export function useInvoices() {
  const { data, mutate } = useSWR('invoices', load)
  const reload = useMemo(() => debounce(() => mutate(), 500, { maxWait: 2000 }), [mutate])

  useEffect(() => {
    const channel = supabase
      .channel('invoices')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'invoices' }, reload)
      .subscribe((status) => {
        if (status === 'SUBSCRIBED') reload()
        else console.warn('invoices', status)
      })
    return () => {
      reload.cancel()
      supabase.removeChannel(channel)
    }
  }, [reload])

  return data ?? []
}
