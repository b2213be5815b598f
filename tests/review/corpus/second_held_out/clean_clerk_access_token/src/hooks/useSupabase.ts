import { useMemo } from 'react';
import { useSession } from '@clerk/clerk-react';
import { createClient } from '@supabase/supabase-js';

export function useSupabase() {
  const { session } = useSession();

  return useMemo(
    () =>
      createClient(import.meta.env.VITE_SUPABASE_URL, import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY, {
        accessToken: async () => (await session?.getToken()) ?? null,
        realtime: { heartbeatIntervalMs: 20_000 },
      }),
    [session],
  );
}
