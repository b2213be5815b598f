import { supabase } from './supabase'

export function watchAll(symbols, onPrice, onStatus) {
  const channels = symbols.map((symbol) =>
    supabase
      .channel(`quote:${symbol}`)
      .on('broadcast', { event: 'price' }, ({ payload }) => onPrice(symbol, payload.price))
      .subscribe(onStatus),
  )
  return () => channels.forEach((channel) => supabase.removeChannel(channel))
}

export function watchGrid(onCell, onStatus) {
  return Array.from({ length: 16 * 16 }, (_, n) =>
    supabase
      .channel(`cell:${n}`)
      .on('broadcast', { event: 'set' }, ({ payload }) => onCell(n, payload))
      .subscribe(onStatus),
  )
}

export function watchThree(onChange, onStatus) {
  return ['north', 'south', 'west'].map((side) =>
    supabase
      .channel(`side:${side}`)
      .on('broadcast', { event: 'set' }, ({ payload }) => onChange(side, payload))
      .subscribe(onStatus),
  )
}
