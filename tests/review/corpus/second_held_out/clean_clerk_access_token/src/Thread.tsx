import { useEffect, useRef, useState } from 'react';
import type { RealtimeChannel } from '@supabase/supabase-js';
import { useSupabase } from './hooks/useSupabase';

export function Thread({ threadId }: { threadId: string }) {
  const supabase = useSupabase();
  const typing = useRef<RealtimeChannel | null>(null);
  const [who, setWho] = useState<string | null>(null);

  useEffect(() => {
    const channel = supabase
      .channel(`typing-${threadId}`)
      .on('broadcast', { event: 'typing' }, ({ payload }) => setWho(payload.name))
      .subscribe((status, err) => {
        if (err) console.warn('typing', status, err);
      });
    typing.current = channel;

    return () => {
      typing.current = null;
      supabase.removeChannel(channel);
    };
  }, [supabase, threadId]);

  return (
    <label>
      {who && <i>{who} is typing…</i>}
      <input
        onFocus={() =>
          typing.current?.send({ type: 'broadcast', event: 'typing', payload: { name: 'me' } })
        }
      />
    </label>
  );
}
