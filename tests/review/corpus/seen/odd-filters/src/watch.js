import { supabase } from './supabase'

export function watch(org, ids, cb, onStatus) {
  return supabase
    .channel('org-' + org)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'users', filter: 'org=equals.' + org }, cb)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'teams', filter: `org=eq.${org} and open=eq.true` }, cb)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'desks', filter: `id=in.[${ids.join(',')}]` }, cb)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'rooms', filter: `or(org.eq.${org},open.eq.true)` }, cb)
    .on('postgres_changes', { event: 'ALL', schema: 'public', table: 'badges', filter: `org=eq.${org}` }, cb)
    .on('postgres_changes', { event: 'insert', schema: 'public', table: 'doors', filter: `org=eq.${org}` }, cb)
    .subscribe(onStatus)
}
