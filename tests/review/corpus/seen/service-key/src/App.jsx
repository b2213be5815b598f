import { useEffect, useState } from 'react'
import { admin } from './lib/admin'

export default function App() {
  const [users, setUsers] = useState([])
  const [status, setStatus] = useState('')

  useEffect(() => {
    const channel = admin
      .channel('all-profiles')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'profiles' }, (payload) => {
        setUsers((all) => [...all, payload.new])
      })
      .subscribe(setStatus)
    return () => {
      admin.removeChannel(channel)
    }
  }, [])

  return <ul title={status}>{users.map((user) => <li key={user.id}>{user.email}</li>)}</ul>
}
