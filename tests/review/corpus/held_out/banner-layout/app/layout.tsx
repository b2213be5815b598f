'use client'

import { useEffect, useState, type ReactNode } from 'react'
import { supabase } from '../lib/supabase'

export default function RootLayout({ children }: { children: ReactNode }) {
  const [banner, setBanner] = useState<string>()

  useEffect(() => {
    const channel = supabase
      .channel('banners')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'banners' }, (payload) => {
        setBanner(payload.new.text)
      })
      .subscribe((status, error) => {
        if (error) console.error(status, error)
      })

    return () => {
      supabase.removeChannel(channel)
    }
  }, [])

  return (
    <html>
      <body>
        {banner && <aside>{banner}</aside>}
        {children}
      </body>
    </html>
  )
}
