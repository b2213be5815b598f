const { createClient } = require('@supabase/supabase-js')

const MINUTE = 60 * 1000

module.exports = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_ANON_KEY, {
  realtime: { heartbeatIntervalMs: 2 * MINUTE },
})
