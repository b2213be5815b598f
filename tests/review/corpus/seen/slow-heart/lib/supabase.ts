import { createClient } from '@supabase/supabase-js'

export const supabase = createClient(process.env.EXPO_PUBLIC_SUPABASE_URL!, process.env.EXPO_PUBLIC_SUPABASE_KEY!, {
  realtime: {
    heartbeatIntervalMs: 5 * 60 * 1000,
    timeout: 30_000,
  },
})
