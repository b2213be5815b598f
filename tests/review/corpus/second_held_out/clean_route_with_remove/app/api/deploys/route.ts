import { NextResponse } from 'next/server';
import { createClient } from '@supabase/supabase-js';

const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!);

export async function POST(request: Request) {
  const { project, state } = await request.json();
  if (typeof project !== 'string') {
    return NextResponse.json({ error: 'project is missing' }, { status: 400 });
  }

  const channel = supabase.channel(`deploys-${project}`);
  try {
    await channel.send({ type: 'broadcast', event: 'state', payload: { project, state } });
  } finally {
    await supabase.removeChannel(channel);
  }

  return NextResponse.json({ ok: true });
}
