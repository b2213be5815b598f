import { createClient } from 'jsr:@supabase/supabase-js@2'

const supabase = createClient(Deno.env.get('SUPABASE_URL')!, Deno.env.get('SUPABASE_SERVICE_ROLE_KEY')!)

Deno.serve(async (request) => {
  const { room, text } = await request.json()
  const channel = supabase.channel(`room-${room}`)
  await channel.send({ type: 'broadcast', event: 'announcement', payload: { text } })
  return new Response('ok')
})
