import { useEffect, useState } from 'react';
import { supabase } from '../supabase';

export function BellIcon({ userId }: { userId: string }) {
  const [unread, setUnread] = useState(0);

  useEffect(() => {
    const channel = supabase
      .channel('notifications')
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'notifications', filter: `user_id=eq.${userId}` },
        () => setUnread((n) => n + 1),
      )
      .subscribe((status, err) => err && console.error(status, err));
    return () => {
      supabase.removeChannel(channel);
    };
  }, [userId]);

  return <button onClick={() => setUnread(0)}>🔔 {unread || ''}</button>;
}
