'use client'

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter } from 'next/navigation'
import { useEffect } from 'react'
import { supabase } from '@/lib/supabase'

async function fetchInvoices() {
  const { data, error } = await supabase.from('invoices').select('id, total')
  if (error) throw error
  return data
}

export function Revenue() {
  const queryClient = useQueryClient()
  const router = useRouter()
  const { data: invoices = [] } = useQuery({
    queryKey: ['invoices'],
    queryFn: fetchInvoices,
    refetchInterval: 10_000,
  })

  useEffect(() => {
    const channel = supabase
      .channel('invoices')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'invoices' }, () => {
        queryClient.invalidateQueries({ queryKey: ['invoices'] })
        router.refresh()
      })
      .subscribe((status) => {
        if (status === 'SUBSCRIBED') console.log('listening')
      })

    return () => {
      supabase.removeChannel(channel)
    }
  }, [queryClient, router])

  return <output>{invoices.reduce((sum, invoice) => sum + invoice.total, 0)}</output>
}
