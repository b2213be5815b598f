import type { RealtimeChannel } from '@supabase/supabase-js';
import { supabase } from './supabase';

export interface Question {
  id: string;
  text: string;
  choices: string[];
}

let current: RealtimeChannel | null = null;

export function openQuiz(code: string, first: Question) {
  const channel = supabase.channel(`quiz-${code}`);
  channel.on('broadcast', { event: 'answer' }, ({ payload }) => collect(payload));
  channel.subscribe();
  channel.send({ type: 'broadcast', event: 'question', payload: first });
  current = channel;
}

export function joinQuiz(code: string, name: string, onPlayers: (names: string[]) => void) {
  const room = supabase.channel(`quiz-room-${code}`, { config: { presence: { key: name } } });
  room
    .on('presence', { event: 'sync' }, () => onPlayers(Object.keys(room.presenceState())))
    .subscribe((status, err) => {
      if (status !== 'SUBSCRIBED') console.warn('quiz room', status, err);
    });
  room.track({ name, joinedAt: Date.now() });
  return () => supabase.removeChannel(room);
}

export async function closeQuiz() {
  if (!current) return;
  await supabase.removeChannel(current);
  current = null;
}

const answers = new Map<string, number[]>();

function collect(payload: { question: string; choice: number }) {
  const list = answers.get(payload.question) ?? [];
  list.push(payload.choice);
  answers.set(payload.question, list);
}
