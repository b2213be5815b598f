import { useEffect, useState } from 'react'
import { supabase } from './supabase'

function Quote({ symbol }) {
  const [price, setPrice] = useState(null)

  useEffect(() => {
    const channel = supabase
      .channel(`quote-${symbol}`)
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'quotes', filter: `symbol=eq.${symbol}` },
        ({ new: quote }) => setPrice(quote.price)
      )
      .subscribe((status, error) => {
        if (error) console.error(symbol, error)
      })
    return () => {
      supabase.removeChannel(channel)
    }
  }, [symbol])

  return <td>{price ?? '–'}</td>
}

export default function Watchlist({ symbols }) {
  return (
    <table>
      <tbody>
        {symbols.map((symbol) => (
          <tr key={symbol}>
            <th>{symbol}</th>
            <Quote symbol={symbol} />
          </tr>
        ))}
      </tbody>
    </table>
  )
}
