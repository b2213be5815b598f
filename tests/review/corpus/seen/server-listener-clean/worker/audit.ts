import { createClient } from '@supabase/supabase-js'

const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!)

export const audit = supabase
  .channel('audit')
  .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'audit' }, ({ new: row }) => {
    process.stdout.write(`${row.at} ${row.what}\n`)
  })
  .subscribe((status, error) => {
    if (error) process.stderr.write(`${status}: ${error.message}\n`)
  })
