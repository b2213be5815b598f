import { useEffect, useState } from 'react'
import { supabase } from '../lib/supabase'

export function Feed({ teamId, onStatus }) {
  const [posts, setPosts] = useState([])
  const options = { table: 'posts', filter: `team_id=eq.${teamId}` }

  const addPost = (payload) => {
    setPosts((all) => [payload.new, ...all])
  }

  useEffect(() => {
    const channel = supabase
      .channel(`feed:${teamId}`)
      .on('postgres_changes', { event: 'INSERT', schema: 'public', ...options }, addPost)
      .subscribe(onStatus)
    return () => {
      supabase.removeChannel(channel)
    }
  }, [teamId, options, addPost, onStatus])

  return posts.map((post) => <article key={post.id}>{post.title}</article>)
}
