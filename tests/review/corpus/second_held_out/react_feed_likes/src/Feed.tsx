import { useEffect, useState } from 'react';
import { supabase } from './supabase';
import { LikeCount } from './LikeCount';

type Post = { id: number; title: string; like_count: number };

export function Feed() {
  const [posts, setPosts] = useState<Post[]>([]);

  useEffect(() => {
    supabase
      .from('posts')
      .select('id, title, like_count')
      .order('id', { ascending: false })
      .limit(50)
      .then(({ data }) => setPosts(data ?? []));
  }, []);

  return (
    <main>
      {posts.map((post) => (
        <article key={post.id}>
          <h2>{post.title}</h2>
          <LikeCount postId={post.id} initial={post.like_count} />
        </article>
      ))}
    </main>
  );
}
