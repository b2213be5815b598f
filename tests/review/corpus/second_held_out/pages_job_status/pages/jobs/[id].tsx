import type { GetServerSideProps } from 'next';
import Head from 'next/head';
import { useEffect, useState } from 'react';
import { supabase } from '../../lib/supabase';
import Layout from '../../components/Layout';

type Props = { id: string; status: string; progress: number };

export default function JobPage({ id, ...initial }: Props) {
  const [job, setJob] = useState(initial);

  useEffect(() => {
    const channel = supabase
      .channel(`job-${id}`)
      .on('postgres_changes', { event: 'UPDATE', table: 'jobs', filter: `id=eq.${id}` }, (payload) => {
        setJob({ status: payload.new.status, progress: payload.new.progress });
      })
      .subscribe();

    return () => {
      channel.unsubscribe();
    };
  }, [id]);

  return (
    <Layout>
      <Head>
        <title>{`Job ${id} – ${job.status}`}</title>
      </Head>
      <progress value={job.progress} max={100} />
    </Layout>
  );
}

export const getServerSideProps: GetServerSideProps<Props> = async ({ params }) => {
  const { data } = await supabase
    .from('jobs')
    .select('id, status, progress')
    .eq('id', params!.id as string)
    .single();
  return data ? { props: data } : { notFound: true };
};
