// Subscribes with @supabase/supabase-js on several sockets and says each state of each channel, a line of JSON each.
// Reads an order as a line of JSON, see official.py; ends with its stdin.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

function subscribe({ parts, urls, key, topic, interval_s }) {
  const require = createRequire(`${parts}/`);
  const { createClient } = require("@supabase/supabase-js");
  // Node 22 and newer have a WebSocket of their own.
  const transport = globalThis.WebSocket ? {} : { transport: require("ws") };
  const realtime = { heartbeatIntervalMs: 1000 * interval_s, ...transport };
  urls.forEach((url, link) => {
    const client = createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false }, realtime });
    client.channel(topic).subscribe((state) => console.log(JSON.stringify({ link, state })));
  });
}

createInterface({ input: process.stdin })
  .once("line", (line) => subscribe(JSON.parse(line)))
  .on("close", () => process.exit(0));
