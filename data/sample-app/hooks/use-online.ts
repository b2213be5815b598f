'use client';

import { useEffect, useState } from 'react';
import { supabase } from '@/lib/supabase';

export function useOnline(roomId: number, userId: string | undefined): Set<string> {
  const [online, setOnline] = useState(new Set<string>());

  useEffect(() => {
    if (!userId) return;
    const channel = supabase.channel(`online:${roomId}`, { config: { presence: { key: userId } } });
    channel
      .on('presence', { event: 'sync' }, () => setOnline(new Set(Object.keys(channel.presenceState()))))
      .subscribe(async (status) => {
        if (status === 'SUBSCRIBED') {
          await channel.track({ at: Date.now() });
        }
      });

    return () => {
      supabase.removeChannel(channel);
    };
  }, [roomId, userId]);

  return online;
}
