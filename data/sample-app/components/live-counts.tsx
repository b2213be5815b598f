'use client';

import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { supabase } from '@/lib/supabase';

export function LiveCounts() {
  const router = useRouter();
  const [joined, setJoined] = useState(0);
  const [left, setLeft] = useState(0);

  useEffect(() => {
    const joins = supabase
      .channel('admin-joins')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'members' }, () => {
        setJoined((count) => count + 1);
        router.refresh();
      })
      .subscribe();
    const leaves = supabase
      .channel('admin-leaves')
      .on('postgres_changes', { event: 'DELETE', schema: 'public', table: 'members' }, () => {
        setLeft((count) => count + 1);
        router.refresh();
      })
      .subscribe();

    return () => {
      supabase.removeChannel(joins);
      supabase.removeChannel(leaves);
    };
  }, [router]);

  return (
    <p>
      {joined} joined, {left} left since you opened this page
    </p>
  );
}
