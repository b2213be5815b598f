'use client';

import { type FormEvent, useState } from 'react';
import { useUser } from '@/hooks/use-user';
import { supabase } from '@/lib/supabase';

type Props = {
  roomId: number;
  onKeyDown: () => void;
  onSent: () => void;
};

export function MessageForm({ roomId, onKeyDown, onSent }: Props) {
  const user = useUser();
  const [body, setBody] = useState('');
  const [error, setError] = useState('');

  async function send(event: FormEvent) {
    event.preventDefault();
    if (!user || !body.trim()) return;
    const { error } = await supabase.from('messages').insert({ room_id: roomId, author: user.id, body });
    if (error) {
      setError(error.message);
      return;
    }
    setError('');
    setBody('');
    onSent();
  }

  return (
    <form onSubmit={send}>
      <input name="body" value={body} onChange={(event) => setBody(event.target.value)} onKeyDown={onKeyDown} />
      <button type="submit">Send</button>
      {error && <em>{error}</em>}
    </form>
  );
}
