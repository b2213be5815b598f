import { createClient } from '@supabase/supabase-js'
import { mintToken } from './api'

export const supabase = createClient(process.env.NEXT_PUBLIC_SUPABASE_URL!, process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!)

export async function start(userId: string) {
  const token = await mintToken(userId)
  supabase.realtime.setAuth(token)
}
