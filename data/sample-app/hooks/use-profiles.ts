'use client';

import { useEffect, useState } from 'react';
import { supabase } from '@/lib/supabase';
import type { Profile } from '@/lib/types';

export function useProfiles(): Map<string, string> {
  const [names, setNames] = useState(new Map<string, string>());

  useEffect(() => {
    supabase
      .from('profiles')
      .select('id, name')
      .then(({ data }) => setNames(new Map((data ?? []).map((profile) => [profile.id, profile.name]))));

    const channel = supabase
      .channel('profiles')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'profiles' }, (payload) => {
        if (payload.eventType === 'UPDATE') {
          const profile = payload.new as Profile;
          setNames((current) => new Map(current).set(profile.id, profile.name));
        }
      })
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, []);

  return names;
}
