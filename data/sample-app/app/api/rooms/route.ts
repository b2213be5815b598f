import { NextResponse } from 'next/server';
import { prisma } from '@/lib/prisma';

export async function GET() {
  const rooms = await prisma.room.findMany({ where: { isOpen: true }, orderBy: { name: 'asc' } });
  return NextResponse.json(rooms.map((room) => ({ ...room, id: Number(room.id) })));
}
