import { useCallback, useEffect, useState } from 'react';
import { supabase } from './supabase';

type Row = { player: string; points: number };

export function Leaderboard({ season }: { season: number }) {
  const [rows, setRows] = useState<Row[]>([]);
  const [live, setLive] = useState(false);

  const load = useCallback(async () => {
    const { data } = await supabase
      .from('scores')
      .select('player, points')
      .eq('season', season)
      .order('points', { ascending: false })
      .limit(20);
    setRows(data ?? []);
  }, [season]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reload = () => {
      clearTimeout(timer);
      timer = setTimeout(load, 800);
    };

    const channel = supabase
      .channel(`scores-${season}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'scores', filter: `season=eq.${season}` },
        reload,
      )
      .subscribe((status, err) => {
        setLive(status === 'SUBSCRIBED');
        if (status === 'SUBSCRIBED') load();
        if (err) console.error('scores', err);
      });

    return () => {
      clearTimeout(timer);
      supabase.removeChannel(channel);
    };
  }, [season, load]);

  return (
    <section>
      {!live && <em>offline</em>}
      <ol>
        {rows.map((r) => (
          <li key={r.player}>
            {r.player} – {r.points}
          </li>
        ))}
      </ol>
    </section>
  );
}
