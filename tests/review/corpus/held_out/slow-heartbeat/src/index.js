const supabase = require('./config/supabase')

supabase
  .channel('realtime')
  .on('postgres_changes', { event: 'UPDATED', schema: 'public', table: 'devices' }, (payload) => {
    console.log(payload.new)
  })
  .subscribe((status, error) => console.log(status, error))
