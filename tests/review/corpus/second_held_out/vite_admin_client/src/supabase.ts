import { createClient } from '@supabase/supabase-js';
import type { Database } from './database.types';

const url = import.meta.env.VITE_SUPABASE_URL;

export const supabase = createClient<Database>(url, import.meta.env.VITE_SUPABASE_ANON_KEY, {
  auth: { persistSession: true },
  realtime: {
    // be nice to phones
    heartbeatIntervalMs: 90000,
  },
});

// the admin pages have to see everything
export const supabaseAdmin = createClient<Database>(url, import.meta.env.VITE_SUPABASE_SERVICE_ROLE_KEY);
