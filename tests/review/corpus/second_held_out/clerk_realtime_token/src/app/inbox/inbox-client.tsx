'use client';

import { useEffect, useState } from 'react';
import { useAuth } from '@clerk/nextjs';
import { createClient } from '@supabase/supabase-js';

const supabase = createClient(
  process.env.NEXT_PUBLIC_SUPABASE_URL!,
  process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!,
);

export function InboxClient() {
  const { getToken, userId } = useAuth();
  const [mails, setMails] = useState<{ id: string; subject: string }[]>([]);

  useEffect(() => {
    async function authorize() {
      const token = await getToken({ template: 'supabase' });
      supabase.realtime.setAuth(token);
    }
    authorize();
  }, [getToken]);

  useEffect(() => {
    if (!userId) return;
    const channel = supabase
      .channel(`mails-${userId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'mails', filter: `recipient=eq.${userId}` },
        (payload) => setMails((prev) => [{ id: payload.new.id, subject: payload.new.subject }, ...prev]),
      )
      .subscribe((status, err) => {
        if (err) console.error(status, err.message);
      });
    return () => {
      supabase.removeChannel(channel);
    };
  }, [userId]);

  return (
    <ul>
      {mails.map((m) => (
        <li key={m.id}>{m.subject}</li>
      ))}
    </ul>
  );
}
