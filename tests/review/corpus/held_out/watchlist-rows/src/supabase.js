import { createClient } from '@supabase/supabase-js'

export const supabase = createClient('http://127.0.0.1:54321', process.env.REACT_APP_ANON_KEY)
