import { createClient } from '@supabase/supabase-js'

export const supabase = createClient('https://xyzcompany.supabase.co', 'sb_publishable_3kq1cX0aaaaaaaaaaaaaaa_0a0a0a0a')
