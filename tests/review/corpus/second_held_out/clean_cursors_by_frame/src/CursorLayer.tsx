import { useEffect, useRef } from 'react';
import { supabase } from './supabase';

type Point = { name: string; x: number; y: number };

export function CursorLayer({ docId, name }: { docId: string; name: string }) {
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const points = useRef(new Map<string, Point>());

  useEffect(() => {
    const channel = supabase.channel(`cursors-${docId}`);
    channel
      .on('broadcast', { event: 'move' }, ({ payload }) => {
        points.current.set(payload.name, payload as Point);
      })
      .subscribe((status, err) => {
        if (status === 'SUBSCRIBED') channel.track({ name });
        else if (err) console.error('cursors', err);
      });

    let last = 0;
    const onMove = (e: PointerEvent) => {
      if (e.timeStamp - last < 50) return;
      last = e.timeStamp;
      channel.send({ type: 'broadcast', event: 'move', payload: { name, x: e.clientX, y: e.clientY } });
    };
    window.addEventListener('pointermove', onMove);

    let frame = requestAnimationFrame(function draw() {
      const ctx = canvasRef.current?.getContext('2d');
      ctx?.clearRect(0, 0, 2000, 2000);
      points.current.forEach((p) => ctx?.fillText(p.name, p.x, p.y));
      frame = requestAnimationFrame(draw);
    });

    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener('pointermove', onMove);
      supabase.removeChannel(channel);
    };
  }, [docId, name]);

  return <canvas ref={canvasRef} width={2000} height={2000} />;
}
