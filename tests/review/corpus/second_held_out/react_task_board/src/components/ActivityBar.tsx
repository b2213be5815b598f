import { useEffect, useState } from 'react';
import { supabase } from '../lib/supabase';

export function ActivityBar({ projectId }: { projectId: string }) {
  const [last, setLast] = useState<string>('');
  const [open, setOpen] = useState(false);

  useEffect(() => {
    const channel = supabase
      .channel(`activity-${projectId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'activities', filter: `project_id=eq.${projectId}` },
        (payload) => setLast(payload.new.summary),
      )
      .subscribe();
    return () => {
      supabase.removeChannel(channel);
    };
  });

  return (
    <button type="button" onClick={() => setOpen(!open)}>
      {open ? last : '…'}
    </button>
  );
}
