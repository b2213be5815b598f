// Subscribes with @supabase/supabase-js and says what happens, one line each:  node watcher.mjs PARTS URL KEY TOPIC
import { createRequire } from "node:module";

const [parts, url, key, topic] = process.argv.slice(2);
const require = createRequire(`${parts}/`);
const { createClient } = require("@supabase/supabase-js");

// Node 22 and newer have a WebSocket of their own.
const realtime = globalThis.WebSocket ? {} : { transport: require("ws") };
const client = createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false }, realtime });

client
  .channel(topic)
  .on("broadcast", { event: "*" }, ({ event }) => console.log(`heard ${event}`))
  .subscribe((status) => console.log(status));

process.stdin.resume().on("end", () => process.exit(0));
