import { createClient } from '@supabase/supabase-js'

const supabase = createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_ANON_KEY)

export async function start(userId: string, onMail: (subject: string) => void) {
  const { token } = await fetch('/api/realtime-token').then((answer) => answer.json())
  supabase.realtime.setAuth(token)

  return supabase
    .channel(`inbox:${userId}`)
    .on('broadcast', { event: 'mail' }, ({ payload }) => onMail(payload.subject))
    .subscribe((status, error) => {
      if (error) throw error
      console.log(status)
    })
}
