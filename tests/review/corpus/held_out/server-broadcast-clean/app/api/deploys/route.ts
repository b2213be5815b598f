import { createAdminClient } from '@/lib/supabase/admin'

export async function POST(request: Request) {
  const { project, commit } = await request.json()
  const supabase = createAdminClient()
  const channel = supabase.channel(`deploys:${project}`)
  try {
    await channel.httpSend('deployed', { commit })
  } finally {
    await supabase.removeChannel(channel)
  }
  return new Response(null, { status: 204 })
}
