import { createClient } from '@supabase/supabase-js'

export const supabase = createClient('https://abcdefghijklmnop.supabase.co', 'sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH')
