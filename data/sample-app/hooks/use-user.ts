'use client';

import { useEffect, useState } from 'react';
import type { User } from '@supabase/supabase-js';
import { supabase } from '@/lib/supabase';

export function useUser(): User | null {
  const [user, setUser] = useState<User | null>(null);

  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((_event, session) => {
      setUser((current) => (current?.id === session?.user.id ? current : (session?.user ?? null)));
    });
    return () => data.subscription.unsubscribe();
  }, []);

  return user;
}
