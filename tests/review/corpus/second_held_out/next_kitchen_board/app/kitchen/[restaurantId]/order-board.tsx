'use client';

import { useEffect, useMemo, useState } from 'react';
import { createBrowserClient } from '@supabase/ssr';

type Order = {
  id: string;
  restaurant_id: string;
  table_no: number;
  status: 'new' | 'cooking' | 'ready';
  placed_at: string;
};

interface Props {
  restaurantId: string;
  initialOrders: Order[];
}

export function OrderBoard({ restaurantId, initialOrders }: Props) {
  const supabase = useMemo(
    () =>
      createBrowserClient(
        process.env.NEXT_PUBLIC_SUPABASE_URL!,
        process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!,
      ),
    [],
  );
  const [orders, setOrders] = useState<Order[]>(initialOrders);

  useEffect(() => {
    document.title = `Kitchen (${orders.length})`;
  }, [orders.length]);

  useEffect(() => {
    const channel = supabase
      .channel('kitchen-board')
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'orders' },
        (payload) => {
          const order = payload.new as Order;
          if (order.restaurant_id !== restaurantId) return;
          setOrders((prev) => [...prev, order]);
        },
      )
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, [supabase, restaurantId]);

  return (
    <ul className="grid grid-cols-3 gap-4">
      {orders.map((order) => (
        <li key={order.id} className="rounded-lg border p-4">
          <p className="font-semibold">Table {order.table_no}</p>
          <span className="text-sm text-gray-500">{order.status}</span>
        </li>
      ))}
    </ul>
  );
}
