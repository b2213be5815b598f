'use client'

import { createClient } from '@supabase/supabase-js'
import { useEffect, useState } from 'react'

const supabase = createClient(process.env.NEXT_PUBLIC_SUPABASE_URL!, process.env.NEXT_PUBLIC_SUPABASE_SERVICE_KEY!)

export default function Admin() {
  const [rows, setRows] = useState<unknown[]>([])
  useEffect(() => {
    supabase.from('audit').select().then(({ data }) => setRows(data ?? []))
  }, [])
  return <pre>{JSON.stringify(rows)}</pre>
}
