import { useEffect, useRef, useState, type PointerEvent } from 'react';
import type { RealtimeChannel } from '@supabase/supabase-js';
import { supabase } from './supabase';
import { Cursor } from './Cursor';

type Point = { x: number; y: number };

export function Whiteboard({ boardId, me }: { boardId: string; me: string }) {
  const channelRef = useRef<RealtimeChannel | null>(null);
  const [cursors, setCursors] = useState<Record<string, Point>>({});
  const [people, setPeople] = useState<string[]>([]);

  useEffect(() => {
    const channel = supabase.channel(`board-${boardId}`, { config: { presence: { key: me } } });
    channelRef.current = channel;

    channel
      .on('broadcast', { event: 'cursor' }, ({ payload }) => {
        setCursors((prev) => ({ ...prev, [payload.name]: payload.point }));
      })
      .on('presence', { event: 'sync' }, () => setPeople(Object.keys(channel.presenceState())))
      .subscribe((status, err) => {
        if (status === 'SUBSCRIBED') channel.track({ name: me });
        if (status === 'CHANNEL_ERROR') console.error(err);
      });

    return () => {
      channelRef.current = null;
      supabase.removeChannel(channel);
    };
  }, [boardId, me]);

  const onPointerMove = (e: PointerEvent<HTMLDivElement>) => {
    const point = { x: e.clientX, y: e.clientY };
    channelRef.current?.send({ type: 'broadcast', event: 'cursor', payload: { name: me, point } });
  };

  return (
    <div className="whiteboard" onPointerMove={onPointerMove}>
      <p>{people.join(', ')}</p>
      {Object.entries(cursors).map(([name, point]) => (
        <Cursor key={name} name={name} {...point} />
      ))}
    </div>
  );
}
