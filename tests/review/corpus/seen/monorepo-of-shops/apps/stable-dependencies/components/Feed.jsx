import { useCallback, useEffect, useMemo, useState } from 'react'
import { supabase } from '../lib/supabase'

export function Feed({ teamId }) {
  const [posts, setPosts] = useState([])
  const [status, setStatus] = useState('CLOSED')
  const options = useMemo(() => ({ table: 'posts', filter: `team_id=eq.${teamId}` }), [teamId])

  const addPost = useCallback((payload) => {
    setPosts((all) => [payload.new, ...all])
  }, [])

  useEffect(() => {
    const channel = supabase
      .channel(`feed:${teamId}`)
      .on('postgres_changes', { event: 'INSERT', schema: 'public', ...options }, addPost)
      .subscribe(setStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [teamId, options, addPost])

  return <main aria-busy={status !== 'SUBSCRIBED'}>{posts.map((post) => <article key={post.id}>{post.title}</article>)}</main>
}
