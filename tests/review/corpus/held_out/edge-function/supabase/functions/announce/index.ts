import { createClient } from 'jsr:@supabase/supabase-js@2'

Deno.serve(async (request) => {
  const { room, text } = await request.json()
  const supabase = createClient(Deno.env.get('SUPABASE_URL')!, Deno.env.get('SUPABASE_SERVICE_ROLE_KEY')!)

  const channel = supabase.channel(`room-${room}`)
  channel.subscribe()
  await channel.send({ type: 'broadcast', event: 'announcement', payload: { text } })

  return Response.json({ sent: true })
})
