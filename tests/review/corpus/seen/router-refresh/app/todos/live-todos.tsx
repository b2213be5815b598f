'use client'

import { useRouter } from 'next/navigation'
import { useEffect, useState } from 'react'
import { supabase } from '@/lib/supabase'

export default function LiveTodos({ listId, children }: { listId: string; children: React.ReactNode }) {
  const router = useRouter()
  const [broken, setBroken] = useState(false)

  useEffect(() => {
    const channel = supabase
      .channel(`todos:${listId}`)
      .on('postgres_changes', { event: '*', schema: 'public', table: 'todos', filter: `list_id=eq.${listId}` }, () => {
        router.refresh()
      })
      .subscribe((status) => setBroken(status === 'CHANNEL_ERROR' || status === 'TIMED_OUT'))

    return () => {
      supabase.removeChannel(channel)
    }
  }, [listId, router])

  return <div data-broken={broken}>{children}</div>
}
