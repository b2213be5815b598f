'use client';

import { useEffect, useState } from 'react';
import { supabase } from '@/lib/supabase';
import type { Room } from '@/lib/types';

export function RoomHeader({ roomId }: { roomId: number }) {
  const [room, setRoom] = useState<Room | null>(null);

  useEffect(() => {
    supabase
      .from('rooms')
      .select('id, name, topic, is_open')
      .eq('id', roomId)
      .single()
      .then(({ data }) => setRoom(data));

    const channel = supabase
      .channel(`room-header:${roomId}`)
      .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'rooms' }, ({ new: changed }) => {
        if (changed.id === roomId) setRoom(changed as Room);
      })
      .subscribe((status) => console.debug('room header', status));

    return () => {
      supabase.removeChannel(channel);
    };
  }, [roomId]);

  if (!room) return <header>…</header>;
  return (
    <header>
      <h1>{room.name}</h1>
      <p>{room.topic ?? 'No topic'}</p>
      {!room.is_open && <span>closed</span>}
    </header>
  );
}
