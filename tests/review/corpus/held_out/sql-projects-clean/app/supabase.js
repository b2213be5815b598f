import { createClient } from '@supabase/supabase-js'

export const supabase = createClient(process.env.PUBLIC_URL, process.env.PUBLIC_ANON_KEY)
