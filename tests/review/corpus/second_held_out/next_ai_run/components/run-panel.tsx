'use client';

import { useEffect, useState, type FormEvent } from 'react';
import { supabase } from '@/lib/supabase/client';

export function RunPanel({ threadId }: { threadId: string }) {
  const [prompt, setPrompt] = useState('');
  const [answer, setAnswer] = useState('');

  useEffect(() => {
    const channel = supabase
      .channel(`run-${threadId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'runs', filter: `thread_id=eq.${threadId}` },
        (payload) => setAnswer(payload.new.output ?? ''),
      )
      .subscribe(async (status) => {
        if (status === 'SUBSCRIBED') {
          await supabase.from('runs').insert({ thread_id: threadId, kind: 'warmup' });
        }
      });

    return () => {
      supabase.removeChannel(channel);
    };
  }, [threadId]);

  async function onSubmit(e: FormEvent) {
    e.preventDefault();
    await fetch(`/api/threads/${threadId}/runs`, { method: 'POST', body: JSON.stringify({ prompt }) });
    setPrompt('');
  }

  return (
    <form onSubmit={onSubmit}>
      <textarea value={prompt} onChange={(e) => setPrompt(e.target.value)} />
      <button>Ask</button>
      <pre>{answer}</pre>
    </form>
  );
}
