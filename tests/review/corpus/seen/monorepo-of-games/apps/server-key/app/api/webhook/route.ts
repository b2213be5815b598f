import { createClient } from '@supabase/supabase-js'
import { NextResponse } from 'next/server'

export async function POST(request: Request) {
  const supabase = createClient(process.env.NEXT_PUBLIC_SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!)
  const event = await request.json()
  const { error } = await supabase.from('webhooks').insert({ kind: event.type, body: event })
  return NextResponse.json({ ok: !error }, { status: error ? 500 : 200 })
}
