'use client';

import { useCallback, useEffect, useState } from 'react';
import { useOnline } from '@/hooks/use-online';
import { useUser } from '@/hooks/use-user';
import { plural } from '@/lib/format';
import { supabase } from '@/lib/supabase';
import type { Member } from '@/lib/types';

export function MembersPanel({ roomId, names }: { roomId: number; names: Map<string, string> }) {
  const user = useUser();
  const online = useOnline(roomId, user?.id);
  const [members, setMembers] = useState<Member[]>([]);
  const query = { table: 'members', filter: `room_id=eq.${roomId}` };

  const load = useCallback(async () => {
    const { data } = await supabase.from('members').select('room_id, user_id, role').eq('room_id', roomId);
    setMembers(data ?? []);
  }, [roomId]);

  useEffect(() => {
    load();
  }, [load]);

  useEffect(() => {
    const channel = supabase
      .channel(`members:${roomId}`)
      .on('postgres_changes', { event: '*', schema: 'public', table: query.table, filter: query.filter }, () => {
        load();
      })
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, [roomId, load, query]);

  const sorted = members
    .map((member) => ({ ...member, name: names.get(member.user_id) ?? 'somebody' }))
    .sort((a, b) => a.name.localeCompare(b.name));

  return (
    <aside>
      <h2>{plural(members.length, 'member')}</h2>
      <ul>
        {sorted.map((member) => (
          <li key={member.user_id}>
            {member.name}
            {member.role !== 'member' && <small> {member.role}</small>}
            {online.has(member.user_id) && <i> online</i>}
          </li>
        ))}
      </ul>
    </aside>
  );
}
