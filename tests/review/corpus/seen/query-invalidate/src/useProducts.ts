import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { supabase } from './supabase'

export function useProducts(shop: string) {
  const queryClient = useQueryClient()
  const [live, setLive] = useState(false)
  const query = useQuery({
    queryKey: ['products', shop],
    queryFn: async () => (await supabase.from('products').select().eq('shop_id', shop)).data,
  })

  useEffect(() => {
    const channel = supabase
      .channel(`products-${shop}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'products', filter: `shop_id=eq.${shop}` },
        () => {
          queryClient.invalidateQueries({ queryKey: ['products', shop] })
        },
      )
      .subscribe((status) => setLive(status === 'SUBSCRIBED'))

    return () => {
      supabase.removeChannel(channel)
    }
  }, [shop, queryClient])

  return { ...query, live }
}
