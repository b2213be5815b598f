'use client';

import { useEffect, useState } from 'react';
import { supabase } from '@/lib/supabase-browser';

export function StockTicker() {
  const [sold, setSold] = useState(0);

  useEffect(() => {
    const channel = supabase
      .channel('stock-ticker')
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'OrderItem' },
        (payload) => setSold((n) => n + payload.new.quantity),
      )
      .subscribe();

    return () => {
      void supabase.removeChannel(channel);
    };
  }, []);

  return <p className="text-xs uppercase tracking-wide">{sold} items sold since you came</p>;
}
