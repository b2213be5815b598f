// The vendor's JavaScript client as a receiver:  node receiver.mjs PARTS.  Says and hears what receivers.py does.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { createClient } = require("@supabase/supabase-js");
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const order = JSON.parse((await lines.next()).value);
const realtime = order.client.endsWith("on ws") ? { transport: require("ws") } : {};
const options = { auth: { persistSession: false, autoRefreshToken: false }, realtime };
const cpuSeconds = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
const seconds = () => performance.now() / 1e3;

let received = 0, inOrder = true, begin, beginCpu;
function take(message) {
  if (received === 0) [begin, beginCpu] = [seconds(), cpuSeconds()];
  if (message.payload.seq !== received) inOrder = false;
  if (++received < order.messages) return;
  const receipt = { received, complete: inOrder, seconds: seconds() - begin, cpu_seconds: cpuSeconds() - beginCpu };
  process.stdout.write(JSON.stringify(receipt) + "\n", () => process.exit(0));
}

const kept = [];
for (const [place, step] of order.steps.entries()) {
  if (place > 0) await lines.next();
  while (kept.length < step) {
    const client = createClient(order.api_url, order.key, options);
    const channel = client.channel("bench").on("broadcast", { event: "m" }, take);
    await new Promise((done, fail) =>
      channel.subscribe((status, error) => (status === "SUBSCRIBED" ? done() : fail(error ?? new Error(status)))));
    kept.push(client);
  }
  process.stdout.write("ready\n");
}
await lines.next();  // ends with the input
process.exit(0);
