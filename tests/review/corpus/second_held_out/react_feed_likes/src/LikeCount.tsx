import { useEffect, useState } from 'react';
import { supabase } from './supabase';

type Props = { postId: number; initial: number };

export function LikeCount({ postId, initial }: Props) {
  const [count, setCount] = useState(initial);

  useEffect(() => {
    const channel = supabase
      .channel(`likes-${postId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'likes', filter: `post_id=eq.${postId}` },
        () => setCount((n) => n + 1),
      )
      .subscribe((status, err) => {
        if (err) console.error(`likes ${postId}: ${status}`, err);
      });
    return () => {
      supabase.removeChannel(channel);
    };
  }, [postId]);

  return <span aria-label="likes">♥ {count}</span>;
}
