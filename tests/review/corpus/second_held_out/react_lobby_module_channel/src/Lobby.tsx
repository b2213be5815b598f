import { useEffect, useState } from 'react';
import { supabase } from './supabase';
import { PlayerList } from './PlayerList';

const lobby = supabase.channel('lobby', { config: { broadcast: { self: true } } });

export function Lobby({ nickname }: { nickname: string }) {
  const [players, setPlayers] = useState<string[]>([]);
  const [error, setError] = useState<string | null>(null);

  useEffect(() => {
    lobby
      .on('broadcast', { event: 'joined' }, ({ payload }) => {
        setPlayers((prev) => (prev.includes(payload.name) ? prev : [...prev, payload.name]));
      })
      .subscribe((status) => {
        if (status === 'SUBSCRIBED') {
          lobby.send({ type: 'broadcast', event: 'joined', payload: { name: nickname } });
        } else if (status === 'CHANNEL_ERROR') {
          setError('Could not join the lobby');
        }
      });

    return () => {
      supabase.removeChannel(lobby);
    };
  }, [nickname]);

  if (error) return <p role="alert">{error}</p>;
  return <PlayerList names={players} />;
}
