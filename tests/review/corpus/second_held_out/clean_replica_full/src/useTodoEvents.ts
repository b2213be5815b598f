import { useEffect } from 'react';
import { supabase } from './supabase';

interface Handlers {
  onRemoved: (task: string) => void;
  onDone: (id: number) => void;
}

export function useTodoEvents(listId: string, { onRemoved, onDone }: Handlers) {
  useEffect(() => {
    const filter = `list_id=eq.${listId}`;
    const channel = supabase
      .channel(`todos-${listId}`)
      .on('postgres_changes', { event: 'DELETE', schema: 'public', table: 'todos', filter }, (payload) => {
        onRemoved(payload.old.task);
      })
      .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'todos', filter }, (payload) => {
        if (!payload.old.done && payload.new.done) onDone(payload.new.id);
      })
      .subscribe((status, err) => {
        if (err) console.error(status, err);
      });

    return () => {
      supabase.removeChannel(channel);
    };
  }, [listId, onRemoved, onDone]);
}
