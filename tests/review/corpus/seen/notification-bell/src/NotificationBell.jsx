import React, { useEffect, useState } from 'react'
import { supabase } from './supabaseClient'

export default function NotificationBell({ userId, onError }) {
  const [unread, setUnread] = useState(0)

  useEffect(() => {
    const handleInsert = (payload) => {
      if (payload.new.channel !== 'in_app') return
      setUnread((count) => count + 1)
    }

    const subscription = supabase
      .channel(`notifications-of-${userId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'notifications', filter: `user_id=eq.${userId}` },
        handleInsert,
      )
      .subscribe((status) => {
        if (status === 'SUBSCRIBED') return
        onError(status)
      })

    return () => {
      subscription.unsubscribe()
    }
  }, [userId, onError])

  return <button aria-label={`${unread} unread notifications`}>{unread > 0 ? unread : ''}</button>
}
