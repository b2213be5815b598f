import { useEffect, useState } from 'react'
import supabase from '../supabase'

export default function useCart(cartId) {
  const [items, setItems] = useState([])
  const [message, setMessage] = useState(null)

  useEffect(() => {
    const channel = supabase
      .channel('cart-' + cartId)
      .on('postgres_changes', { event: 'DELETE', schema: 'public', table: 'cart_items', filter: 'cart_id=eq.' + cartId }, (change) => {
        setItems((items) => items.filter((item) => item.id !== change.old.id))
      })
      .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'cart_items', filter: 'cart_id=eq.' + cartId }, (change) => {
        setMessage(`${change.new.sku}: ${change.old.quantity} → ${change.new.quantity}`)
        setItems((items) => items.map((item) => (item.id === change.new.id ? change.new : item)))
      })
      .subscribe((status, error) => {
        if (error) setMessage(error.message)
      })

    return () => {
      supabase.removeChannel(channel)
    }
  }, [cartId])

  return { items, message }
}
