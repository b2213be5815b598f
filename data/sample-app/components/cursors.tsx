'use client';

import { useEffect, useState } from 'react';
import type { RealtimeChannel } from '@supabase/supabase-js';
import { supabase } from '@/lib/supabase';

type Cursor = { name: string; x: number; y: number };

export function Cursors({ roomId, name }: { roomId: number; name: string }) {
  const [cursors, setCursors] = useState<Record<string, Cursor>>({});

  useEffect(() => {
    if (!name) return;
    const channel: RealtimeChannel = supabase
      .channel(`cursors:${roomId}`)
      .on('broadcast', { event: 'cursor' }, ({ payload }) => {
        setCursors((current) => ({ ...current, [payload.name]: payload as Cursor }));
      })
      .subscribe();

    const onPointerMove = (event: PointerEvent) => {
      channel.send({
        type: 'broadcast',
        event: 'cursor',
        payload: { name, x: event.clientX, y: event.clientY },
      });
    };
    window.addEventListener('pointermove', onPointerMove);

    return () => {
      window.removeEventListener('pointermove', onPointerMove);
      supabase.removeChannel(channel);
    };
  }, [roomId, name]);

  return (
    <div className="cursors">
      {Object.values(cursors).map((cursor) => (
        <span key={cursor.name} style={{ left: cursor.x, top: cursor.y }}>
          {cursor.name} @ {cursor.x},{cursor.y}
        </span>
      ))}
    </div>
  );
}
