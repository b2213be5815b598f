import { useEffect } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { supabase } from '../../lib/supabase';

export function JobsTable({ teamId }: { teamId: string }) {
  const queryClient = useQueryClient();

  const { data: jobs = [], isLoading } = useQuery({
    queryKey: ['jobs', teamId],
    queryFn: async () => {
      const { data, error } = await supabase.from('jobs').select('*').eq('team_id', teamId);
      if (error) throw error;
      return data;
    },
    refetchInterval: 10_000,
  });

  useEffect(() => {
    const channel = supabase
      .channel(`jobs-${teamId}`)
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'jobs', filter: `team_id=eq.${teamId}` },
        () => {
          queryClient.invalidateQueries({ queryKey: ['jobs', teamId] });
        },
      )
      .subscribe();

    return () => {
      supabase.removeChannel(channel);
    };
  }, [teamId, queryClient]);

  if (isLoading) return <p>Loading…</p>;
  return (
    <table>
      <tbody>
        {jobs.map((job) => (
          <tr key={job.id}>
            <td>{job.name}</td>
            <td>{job.state}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
