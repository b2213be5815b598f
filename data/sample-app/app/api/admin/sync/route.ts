import { NextResponse } from 'next/server';
import type { Prisma } from '@/generated/prisma/client';
import { prisma } from '@/lib/prisma';
import { supabaseAdmin } from '@/lib/supabase-admin';

export async function POST() {
  supabaseAdmin
    .channel('sync')
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages' }, async (payload) => {
      await prisma.message.create({ data: payload.new as Prisma.MessageUncheckedCreateInput });
    })
    .subscribe((status) => console.log('sync', status));

  return NextResponse.json({ running: true });
}
