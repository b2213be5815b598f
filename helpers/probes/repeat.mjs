// The process whose memory is looked at, for supabase-js: `node --expose-gc repeat.mjs`.
// Reads an `Order` as a line of JSON, answers with a `Growth` (see habits.py), and ends; also when its stdin does.
// What is counted is the heap after two collections of garbage.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit(0));
lines.once("line", (line) => answer(JSON.parse(line)).then(tell, (error) => tell({ error: String(error) })));

const rest = (seconds) => new Promise((resolve) => setTimeout(resolve, 1e3 * seconds));

function tell(growth) {
  process.stdout.write(JSON.stringify(growth) + "\n", () => process.exit(0));
}

function heapBytes() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

async function answer(order) {
  const { createClient } = createRequire(`${order.parts}/package.json`)("@supabase/supabase-js");
  const client = createClient(order.api_url, order.key, {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { timeout: 1e3 * order.timeout_s },
  });
  const topic = `workbook:leaks:${crypto.randomUUID()}`;
  const stays = await join(client, topic);
  return run(order, client, (habit, number) => cycles[habit](client, topic, number, stays));
}

async function run(order, client, cycle) {
  const [done, held, settled, channels] = [0, 0, 0, 0].map(() => new Array(order.blocks + 1).fill(0));
  const seen = { cycles: done, held, settled, channels, refused: 0, refusal: "" };
  const refuse = (error) => ((seen.refused += 1), (seen.refusal = String(error.message).slice(0, 200)));
  let count = 0;
  const repeat = async (habit, times) => {
    for (const end = count + times; count < end; count++) {
      await cycle(habit, count).catch(refuse);
      if (order.pause_s) await rest(order.pause_s);
    }
  };
  await repeat("subscribe, remove", order.warm_up);
  for (let block = 0; block <= order.blocks; block++) {
    if (block) await repeat(order.habit, order.cycles);
    held[block] = heapBytes();
    await rest(order.settle_s);
    settled[block] = heapBytes();
    done[block] = count;
    channels[block] = client.getChannels().length;
  }
  return seen;
}

function join(client, topic) {
  const channel = client.channel(topic).on("broadcast", { event: "tick" }, () => {});
  return new Promise((resolve, reject) =>
    channel.subscribe((status, error) => {
      if (status === "SUBSCRIBED") resolve(channel);
      else if (status !== "CLOSED") reject(error ?? new Error(status));
    }),
  );
}

const cycles = {
  "subscribe, remove": async (client, topic, number) => client.removeChannel(await join(client, `${topic}:${number}`)),
  "subscribe, never remove": (client, topic, number) => join(client, `${topic}:${number}`),
  // Of a second subscribe() the client says nothing, neither yes nor no.
  "the same topic again": async (client, topic) => client.channel(topic).on("broadcast", { event: "tick" }, () => {}).subscribe(),
  "handlers never taken off": async (_, __, ___, stays) => stays.on("broadcast", { event: "tick" }, () => {}),
  "send without subscribing": (client, topic, number) => client.channel(`${topic}:${number}`).httpSend("tick", {}),
};
