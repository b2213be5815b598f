'use client';

import { useEffect, useMemo, useState } from 'react';
import { supabase } from '@/lib/supabase';

type Typing = { name: string; typing: boolean };

export function useTyping(roomId: number, name: string) {
  const [names, setNames] = useState<string[]>([]);
  const channel = useMemo(() => supabase.channel(`typing:${roomId}`), [roomId]);

  useEffect(() => {
    channel
      .on('presence', { event: 'sync' }, () => {
        const everybody = Object.values(channel.presenceState<Typing>()).flat();
        setNames(everybody.filter((one) => one.typing).map((one) => one.name).sort());
      })
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, [channel]);

  return {
    names: names.filter((other) => other !== name),
    onKeyDown: () => channel.track({ name, typing: true }),
    onSent: () => channel.track({ name, typing: false }),
  };
}
