import { NextResponse } from 'next/server';
import { createClient } from '@supabase/supabase-js';
import { prisma } from '@/lib/prisma';

const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!);

export async function POST(_req: Request, { params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const order = await prisma.order.update({ where: { id }, data: { state: 'shipped' } });

  const channel = supabase.channel(`order-${id}`);
  await channel.send({
    type: 'broadcast',
    event: 'shipped',
    payload: { id: order.id, state: order.state },
  });

  return NextResponse.json({ ok: true });
}
