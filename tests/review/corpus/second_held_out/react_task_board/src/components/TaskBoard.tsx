import { useEffect, useState } from 'react';
import { supabase } from '../lib/supabase';
import { Column } from './Column';
import type { Task } from '../types';

export default function TaskBoard({ projectId }: { projectId: string }) {
  const [tasks, setTasks] = useState<Task[]>([]);
  const [dragging, setDragging] = useState<string | null>(null);

  const applyInsert = (payload: { new: Task }) => {
    setTasks((prev) => [...prev, payload.new]);
  };

  useEffect(() => {
    const channel = supabase
      .channel(`tasks-${projectId}`)
      .on<Task>(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table: 'tasks', filter: `project_id=eq.${projectId}` },
        applyInsert,
      )
      .subscribe((status) => console.debug('tasks', status));

    return () => {
      supabase.removeChannel(channel);
    };
  }, [projectId, applyInsert]);

  return (
    <div className="board">
      {['todo', 'doing', 'done'].map((name) => (
        <Column
          key={name}
          name={name}
          tasks={tasks.filter((t) => t.column === name)}
          dragging={dragging}
          onDrag={setDragging}
        />
      ))}
    </div>
  );
}
