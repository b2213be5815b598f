import { useEffect, useState } from 'react';
import { toast } from 'sonner';
import { supabase } from '@/lib/supabase-browser';

export interface CartLine {
  id: string;
  sku: string;
  cents: number;
}

export function useOrderItems(orderId: string) {
  const [lines, setLines] = useState<CartLine[]>([]);
  const [paid, setPaid] = useState(false);

  useEffect(() => {
    const channel = supabase
      .channel(`cart-${orderId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'order_items', filter: `orderId=eq.${orderId}` },
        (payload) => {
          const line: CartLine = {
            id: payload.new.id,
            sku: payload.new.sku,
            cents: payload.new.unitCents * payload.new.quantity,
          };
          setLines((prev) => [...prev, line]);
        },
      )
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'orders', filter: `id=eq.${orderId}` },
        (payload) => setPaid(payload.new.paid),
      )
      .subscribe((status, err) => {
        if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') {
          toast.error(err?.message ?? 'Live cart is not available');
        }
      });

    return () => {
      void supabase.removeChannel(channel);
    };
  }, [orderId]);

  return { lines, paid };
}
