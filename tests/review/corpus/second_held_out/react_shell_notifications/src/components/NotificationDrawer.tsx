import { useEffect, useState } from 'react';
import { supabase } from '../supabase';

export function NotificationDrawer({ userId }: { userId: string }) {
  const [items, setItems] = useState<{ id: string; title: string }[]>([]);

  useEffect(() => {
    const channel = supabase
      .channel('notifications')
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'notifications', filter: `user_id=eq.${userId}` },
        ({ new: row }) => setItems((prev) => [{ id: row.id, title: row.title }, ...prev]),
      )
      .subscribe((status, err) => err && console.error(status, err));
    return () => {
      supabase.removeChannel(channel);
    };
  }, [userId]);

  return (
    <aside>
      {items.map((item) => (
        <p key={item.id}>{item.title}</p>
      ))}
    </aside>
  );
}
