import { useEffect, useState } from 'react'
import { createClient } from '@supabase/supabase-js'

export default function LiveBlog({ slug, posts: initial }) {
  const [posts, setPosts] = useState(initial)
  const supabase = createClient(
    process.env.NEXT_PUBLIC_SUPABASE_URL,
    process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY
  )

  useEffect(() => {
    const channel = supabase
      .channel(`blog-${slug}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'posts', filter: `slug=eq.${slug}` },
        (payload) => setPosts((posts) => [payload.new, ...posts])
      )
      .subscribe((status) => console.log('live blog', status))

    return () => {
      supabase.removeChannel(channel)
    }
  }, [slug])

  return posts.map((post) => <article key={post.id}>{post.headline}</article>)
}
