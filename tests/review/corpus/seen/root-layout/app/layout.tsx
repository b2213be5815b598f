'use client'

import { useEffect, useState } from 'react'
import { supabase } from '@/lib/supabase'

export default function RootLayout({ children }: { children: React.ReactNode }) {
  const [banner, setBanner] = useState('')
  const [status, setStatus] = useState('')

  useEffect(() => {
    const channel = supabase
      .channel('site')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'announcements' }, (payload) => {
        setBanner(payload.new.title)
      })
      .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'settings' }, (payload) => {
        document.title = payload.new.site_name
      })
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return (
    <html lang="en">
      <body data-status={status}>
        {banner && <aside>{banner}</aside>}
        {children}
      </body>
    </html>
  )
}
