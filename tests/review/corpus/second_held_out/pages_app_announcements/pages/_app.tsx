import type { AppProps } from 'next/app';
import { useEffect, useState } from 'react';
import { supabase } from '../lib/supabase';
import '../styles/globals.css';

export default function MyApp({ Component, pageProps }: AppProps) {
  const [banner, setBanner] = useState<string | null>(null);

  useEffect(() => {
    const channel = supabase
      .channel('announcements')
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'announcements' },
        (payload) => setBanner(payload.new.title),
      )
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, []);

  return (
    <>
      {banner && <div className="banner">{banner}</div>}
      <Component {...pageProps} />
    </>
  );
}
