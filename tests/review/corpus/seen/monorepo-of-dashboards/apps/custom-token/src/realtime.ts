import { createClient } from '@supabase/supabase-js'
import { auth } from './clerk'

export const supabase = createClient(
  process.env.NEXT_PUBLIC_SUPABASE_URL!,
  process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!,
  { accessToken: async () => (await auth.getToken()) ?? null },
)

export async function start() {
  await supabase.realtime.setAuth()
}
