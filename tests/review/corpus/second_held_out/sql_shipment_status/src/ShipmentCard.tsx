import { useEffect, useState } from 'react';
import { supabase } from './supabase';
import { notify } from './notify';

interface Props {
  shipmentId: number;
  status: string;
}

export function ShipmentCard({ shipmentId, status }: Props) {
  const [current, setCurrent] = useState(status);
  const [places, setPlaces] = useState<string[]>([]);

  useEffect(() => {
    const channel = supabase
      .channel(`shipment-${shipmentId}`)
      .on(
        'postgres_changes',
        { event: 'UPDATE', schema: 'public', table: 'shipments', filter: `id=eq.${shipmentId}` },
        (payload) => {
          if (payload.old.status !== payload.new.status) {
            notify(`Shipment is now ${payload.new.status}`);
          }
          setCurrent(payload.new.status);
        },
      )
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'scan_events', filter: `shipment_id=eq.${shipmentId}` },
        (payload) => setPlaces((prev) => [...prev, payload.new.place]),
      )
      .subscribe((s, err) => {
        if (err) console.warn('shipment', s, err);
      });

    return () => {
      supabase.removeChannel(channel);
    };
  }, [shipmentId]);

  return (
    <section>
      <h3>{current}</h3>
      <ol>
        {places.map((p, i) => (
          <li key={i}>{p}</li>
        ))}
      </ol>
    </section>
  );
}
