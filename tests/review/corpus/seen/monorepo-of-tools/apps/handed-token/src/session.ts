import { supabase } from './supabase'

export async function useToken(token: string) {
  await supabase.realtime.setAuth(token)
}
