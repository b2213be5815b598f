import { createClient } from '@supabase/supabase-js'
import type { NextApiRequest, NextApiResponse } from 'next'

const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SECRET_KEY!)

export default async function handler(request: NextApiRequest, response: NextApiResponse) {
  const channel = supabase.channel(`room:${request.body.room}`)
  try {
    await channel.send({ type: 'broadcast', event: 'notice', payload: { text: request.body.text } })
  } finally {
    await supabase.removeChannel(channel)
  }
  response.status(202).end()
}
