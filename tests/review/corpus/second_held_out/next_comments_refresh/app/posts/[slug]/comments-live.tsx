'use client';

import { useEffect } from 'react';
import { useRouter } from 'next/navigation';
import { supabase } from '@/utils/supabase';

export default function CommentsLive({ postId }: { postId: string }) {
  const router = useRouter();

  useEffect(() => {
    const channel = supabase
      .channel(`comments-${postId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'comments', filter: `post_id=eq.${postId}` },
        () => {
          router.refresh();
        },
      )
      .subscribe((status, err) => {
        if (err) console.error('comments', status, err);
      });

    return () => {
      supabase.removeChannel(channel);
    };
  }, [postId, router]);

  return null;
}
