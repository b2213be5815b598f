import { createClient } from '@supabase/supabase-js'

const HEARTBEAT = 120_000

export const supabase = createClient(process.env.REACT_APP_SUPABASE_URL, process.env.REACT_APP_SUPABASE_ANON_KEY, {
  realtime: { heartbeatIntervalMs: HEARTBEAT, worker: true },
})
