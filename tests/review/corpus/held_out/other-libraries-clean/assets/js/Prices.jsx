import Pusher from 'pusher-js'
import { useEffect, useState } from 'react'

export function Prices() {
  const [price, setPrice] = useState(0)

  useEffect(() => {
    const pusher = new Pusher(process.env.PUSHER_KEY, { cluster: 'eu' })
    const channel = pusher.subscribe('prices')
    channel.bind('changed', (data) => setPrice(data.price))
  })

  return <b>{price}</b>
}
