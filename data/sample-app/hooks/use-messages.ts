'use client';

import { useEffect, useState } from 'react';
import { supabase } from '@/lib/supabase';
import type { Message } from '@/lib/types';

export function useMessages(roomId: number): Message[] {
  const [messages, setMessages] = useState<Message[]>([]);

  useEffect(() => {
    supabase
      .from('messages')
      .select('*')
      .eq('room_id', roomId)
      .order('id')
      .then(({ data }) => setMessages(data ?? []));
  }, [roomId]);

  useEffect(() => {
    const channel = supabase
      .channel('messages')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages' }, (payload) => {
        const message = payload.new as Message;
        if (message.room_id !== roomId) return;
        setMessages((current) => [...current, message]);
      })
      .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'messages' }, (payload) => {
        if (payload.new.room_id === roomId) {
          setMessages((current) =>
            current.map((message) => (message.id === payload.new.id ? (payload.new as Message) : message)),
          );
        }
      })
      .on('postgres_changes', { event: 'DELETE', schema: 'public', table: 'messages' }, (payload) => {
        setMessages((current) => current.filter((message) => message.id !== payload.old.id));
      })
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, [roomId]);

  return messages;
}
