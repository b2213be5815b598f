import { useEffect, useState } from 'react';
import type { Wallet } from '@prisma/client';
import { supabase } from '../supabase';

export function WalletBadge({ owner, onChange }: { owner: string; onChange?: (w: Wallet) => void }) {
  const [empty, setEmpty] = useState(false);

  useEffect(() => {
    const channel = supabase
      .channel(`wallet-badge-${owner}`)
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'wallets', filter: `owner=eq.${owner}` },
        (payload) => {
          setEmpty(payload.new.cents === 0n);
        },
      )
      .subscribe();
    return () => {
      supabase.removeChannel(channel);
    };
  }, [owner]);

  useEffect(() => {
    const channel = supabase
      .channel(`wallet-created-${owner}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'wallets', filter: `owner=eq.${owner}` },
        (payload) => {
          const wallet = payload.new as Wallet;
          onChange?.(wallet);
        },
      )
      .subscribe((status, err) => console.log(status, err));
    return () => {
      supabase.removeChannel(channel);
    };
  }, [owner, onChange]);

  return <span className={empty ? 'badge badge-red' : 'badge'}>{empty ? 'empty' : 'ok'}</span>;
}
