'use client';

import { useCallback, useEffect, useState } from 'react';
import { useUser } from '@/hooks/use-user';
import { supabase } from '@/lib/supabase';
import type { Notification } from '@/lib/types';

export function NotificationsBell() {
  const user = useUser();
  const [unread, setUnread] = useState<Notification[]>([]);
  const [nudge, setNudge] = useState('');

  const load = useCallback(async () => {
    const { data } = await supabase.from('notifications').select('id, text, is_read').eq('is_read', false).order('id');
    setUnread(data ?? []);
  }, []);

  useEffect(() => {
    if (!user) return;
    load();
    supabase
      .channel(`user:${user.id}`)
      .on('broadcast', { event: 'nudge' }, ({ payload }) => setNudge(payload.from))
      .subscribe();
    supabase
      .channel(`notifications:${user.id}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'notifications', filter: `user_id=eq.${user.id}` },
        () => load(),
      )
      .subscribe();
    const timer = setInterval(() => load(), 3000);
    return () => clearInterval(timer);
  }, [user, load]);

  return (
    <details>
      <summary>{unread.length > 0 ? `${unread.length} new` : 'Nothing new'}</summary>
      {nudge && <p>{nudge} nudged you</p>}
      <ul>
        {unread.map((notification) => (
          <li key={notification.id}>{notification.text}</li>
        ))}
      </ul>
    </details>
  );
}
