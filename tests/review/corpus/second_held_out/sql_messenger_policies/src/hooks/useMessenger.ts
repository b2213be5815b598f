import { useEffect, useState } from 'react';
import { supabase } from '../supabase';

export function useMessenger(userId: string, conversationId: string) {
  const [title, setTitle] = useState('');
  const [emojis, setEmojis] = useState<string[]>([]);
  const [alerts, setAlerts] = useState<string[]>([]);

  useEffect(() => {
    const channel = supabase
      .channel(`messenger-${conversationId}`)
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'conversations', filter: `id=eq.${conversationId}` },
        (payload) => setTitle(payload.new.title),
      )
      .on(
        'postgres_changes',
        {
          event: 'INSERT',
          schema: 'public',
          table: 'reactions',
          filter: `conversation_id=eq.${conversationId}`,
        },
        (payload) => setEmojis((prev) => [...prev, payload.new.emoji]),
      )
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'alerts', filter: `user_id=eq.${userId}` },
        (payload) => setAlerts((prev) => [...prev, payload.new.label]),
      )
      .subscribe((status, err) => {
        if (status === 'CHANNEL_ERROR') console.error(err);
      });

    return () => {
      supabase.removeChannel(channel);
    };
  }, [conversationId, userId]);

  return { title, emojis, alerts };
}
