import React from 'react'
import { supabase } from './supabase'

export const Ticker = ({ exchange }) => {
  const [last, setLast] = React.useState('')

  supabase
    .channel(`ticker-${exchange}`)
    .on('broadcast', { event: 'tick' }, ({ payload }) => setLast(payload.text))
    .subscribe((status, error) => console.log(status, error))

  return <marquee>{last}</marquee>
}
