import { createClient } from '@supabase/supabase-js';

const SHARDS = 128;
const supabase = createClient(process.env.SUPABASE_URL!, process.env.SUPABASE_ANON_KEY!);
const received = new Array<number>(SHARDS).fill(0);

async function main() {
  for (let shard = 0; shard < SHARDS; shard++) {
    supabase
      .channel(`shard-${shard}`)
      .on('broadcast', { event: 'tick' }, () => {
        received[shard] += 1;
      })
      .subscribe((status, err) => console.log(shard, status, err?.message ?? ''));
  }

  await new Promise((resolve) => setTimeout(resolve, 60_000));
  console.table(received);
  await supabase.removeAllChannels();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
