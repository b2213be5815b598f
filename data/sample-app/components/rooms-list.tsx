'use client';

import { useCallback, useEffect, useState } from 'react';
import { useUser } from '@/hooks/use-user';
import { supabase } from '@/lib/supabase';
import type { Room } from '@/lib/types';
import { RoomRow } from './room-row';

export function RoomsList() {
  const user = useUser();
  const [rooms, setRooms] = useState<Room[]>([]);

  const load = useCallback(async () => {
    const { data } = await supabase.from('rooms').select('id, name, topic, is_open').order('name');
    setRooms(data ?? []);
  }, []);

  useEffect(() => {
    if (!user) return;
    load();
    const channel = supabase
      .channel('rooms')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'rooms' }, () => load())
      .subscribe();
    return () => {
      supabase.removeChannel(channel);
    };
  }, [user, load]);

  return (
    <ul className="rooms">
      {user && rooms.map((room) => <RoomRow key={room.id} room={room} userId={user.id} />)}
    </ul>
  );
}
