'use client';

import { useState } from 'react';

export function SyncButton() {
  const [state, setState] = useState<'idle' | 'running' | 'failed'>('idle');

  async function start() {
    const answer = await fetch('/api/admin/sync', { method: 'POST' });
    setState(answer.ok ? 'running' : 'failed');
  }

  return (
    <button onClick={start} disabled={state === 'running'}>
      Sync: {state}
    </button>
  );
}
