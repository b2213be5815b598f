'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';
import { supabase } from '@/lib/supabase';
import type { Room } from '@/lib/types';

export function RoomRow({ room, userId }: { room: Room; userId: string }) {
  const [unread, setUnread] = useState(0);

  useEffect(() => {
    const channel = supabase
      .channel(`unread:${room.id}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'messages', filter: `room_id=eq.${room.id}` },
        (payload) => {
          if (payload.new.author !== userId) {
            setUnread((count) => count + 1);
          }
        },
      )
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, [room.id, userId]);

  return (
    <li>
      <Link href={`/rooms/${room.id}`}>{room.name}</Link>
      {room.topic && <small>{room.topic}</small>}
      {unread > 0 && <b>{unread}</b>}
    </li>
  );
}
