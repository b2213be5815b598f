import { createClient } from '@supabase/supabase-js'

const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SECRET_KEY!)

export async function POST(request: Request) {
  const { room, text } = await request.json()
  const channel = supabase.channel(`room:${room}`)
  await channel.send({ type: 'broadcast', event: 'notice', payload: { text } })
  return Response.json({ sent: true })
}
