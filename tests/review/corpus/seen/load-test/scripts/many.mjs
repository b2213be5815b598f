import { createClient } from '@supabase/supabase-js'

const supabase = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_ANON_KEY)
const seen = new Map()

for (let i = 0; i < 250; i++) {
  supabase
    .channel(`load-${i}`)
    .on('broadcast', { event: 'tick' }, ({ payload }) => seen.set(i, payload.n))
    .subscribe((status, error) => {
      if (error) console.error(i, status, error.message)
    })
}

setTimeout(async () => {
  await supabase.removeAllChannels()
  console.log(seen.size)
}, 60_000)
