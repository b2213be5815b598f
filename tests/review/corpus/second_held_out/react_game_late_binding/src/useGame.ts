import { useEffect, useState } from 'react';
import { supabase } from './supabase';

export function useGame(gameId: string, userId: string) {
  const [turn, setTurn] = useState<string | null>(null);
  const [invites, setInvites] = useState<string[]>([]);

  useEffect(() => {
    const channel = supabase.channel(`game-${gameId}`);
    channel.subscribe((status, err) => {
      if (status === 'CHANNEL_ERROR') console.error('game', err);
    });
    channel.on(
      'postgres_changes',
      { event: 'UPDATE', schema: 'public', table: 'games', filter: `id=eq.${gameId}` },
      (payload) => setTurn(payload.new.turn),
    );
    return () => {
      supabase.removeChannel(channel);
    };
  }, [gameId]);

  useEffect(() => {
    const inbox = supabase
      .channel(`user:${userId}`)
      .on('broadcast', { event: 'invite' }, ({ payload }) => setInvites((prev) => [...prev, payload.game]))
      .subscribe();
    return () => {
      supabase.removeChannel(inbox);
    };
  }, [userId]);

  return { turn, invites };
}
