'use client';

import { createClient } from '@supabase/supabase-js';
import { useEffect, useState } from 'react';
import type { Activity } from '@/lib/types';

export function ActivityFeed() {
  const supabase = createClient(
    process.env.NEXT_PUBLIC_SUPABASE_URL!,
    process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!,
  );
  const [activity, setActivity] = useState<Activity[]>([]);

  useEffect(() => {
    const channel = supabase
      .channel('activity')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'events' }, (payload) => {
        if (payload.eventType === 'INSERT') {
          const { id, room_id, body } = payload.new;
          setActivity((current) => [{ id, room_id, body }, ...current].slice(0, 20));
        }
      })
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  return (
    <ul className="activity">
      {activity.map((one) => (
        <li key={one.id}>
          #{one.room_id} {one.body}
        </li>
      ))}
    </ul>
  );
}
