// Drives @supabase/supabase-js:  node javascript_client.mjs PARTS
//
// Reads one command a line, {id, command, …}, and answers each with {id, value} or {id, error}; what callbacks are
// called with goes out as {to, kind, value}. Bytes are {"$bytes": base64} in both directions.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { WebWorker } from "./web_worker.mjs";

const require = createRequire(`${process.argv[2]}/`);
const { createClient, postgresChangesFilter } = require("@supabase/supabase-js");
const clients = new Map();
const channels = new Map();
const tokens = new Map(); // what the `accessToken` of a client gives

function pack(value) {
  if (value instanceof ArrayBuffer) return { $bytes: Buffer.from(value).toString("base64") };
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map(pack);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, pack(inner)]));
}

function unpack(name, value) {
  if (value?.$bytes === undefined) return value;
  return Uint8Array.from(Buffer.from(value.$bytes, "base64")).buffer;
}

const write = (message) => process.stdout.write(JSON.stringify(pack(message)) + "\n");

/** The value of an answer; its error, if it has one, is thrown. */
function valueOf({ data, error }) {
  if (error) throw error;
  return data;
}

/** Options of the client: those that are functions are named by what they shall do. */
function functional(to, options) {
  const tell = (kind) => (...value) => write({ to, kind, value });
  const made = { ...options };
  if (options.logger) made.logger = (kind, message) => write({ to, kind: "log", value: [kind, message] });
  if (options.heartbeatCallback) made.heartbeatCallback = tell("heartbeat");
  if (options.reconnectAfterMs) made.reconnectAfterMs = () => options.reconnectAfterMs;
  if (options.transport) made.transport = require(options.transport);
  if (options.worker) globalThis.Worker ??= WebWorker;
  if (options.fetch) made.fetch = (url, init) => (tell("fetch")(String(url)), fetch(url, init));
  if (options.encode) made.encode = (message, done) => (tell("encode")(message.event), done(JSON.stringify(message)));
  if (options.decode) made.decode = (text, done) => done((tell("decode")(text.length), JSON.parse(text)));
  return made;
}

const commands = {
  connect({ client, url, key, realtime, token }) {
    const options = { auth: { persistSession: false, autoRefreshToken: false } };
    if (token) options.accessToken = async () => tokens.get(client);
    tokens.set(client, token);
    clients.set(client, createClient(url, key, { ...options, realtime: functional(client, realtime) }));
  },

  channel({ client, channel: to, topic, wanted }) {
    const channel = clients.get(client).channel(topic, { config: wanted.config });
    const tell = (kind, value) => write({ to, kind, value });
    wanted.changes.forEach((binding, number) =>
      channel.on("postgres_changes", binding, (change) => tell("change", { ...change, binding: number })),
    );
    for (const event of wanted.broadcasts) channel.on("broadcast", { event }, (value) => tell("broadcast", value));
    for (const event of wanted.presence ? ["sync", "join", "leave"] : [])
      channel.on("presence", { event }, (value) => tell("presence", { ...value, event }));
    channel.on("system", {}, (value) => tell("system", value));
    channels.set(to, channel);
  },

  subscribe({ channel: to, timeout }) {
    const tell = (status, error) => write({ to, kind: "status", value: [status, error?.message ?? ""] });
    channels.get(to).subscribe(tell, timeout);
  },

  /** Any method of a channel: send, httpSend, track, untrack, presenceState, unsubscribe. */
  onChannel: ({ channel, method, given }) => channels.get(channel)[method](...given),

  remove: ({ client, channel }) => clients.get(client).removeChannel(channels.get(channel)),
  removeAll: ({ client }) => clients.get(client).removeAllChannels(),
  topics: ({ client }) => clients.get(client).getChannels().map((channel) => channel.topic),

  /** What `accessToken` gives from now on; the client is not told. */
  giveToken: ({ client, token }) => void tokens.set(client, token),

  /** After a join the client asks its `accessToken` again, so that is where a lasting token has to come from. */
  setAuth({ client, token }) {
    if (!tokens.get(client)) return clients.get(client).realtime.setAuth(token);
    tokens.set(client, token);
    return clients.get(client).realtime.setAuth();
  },

  /** Any method of a RealtimeClient: isConnected, endpointURL, disconnect. */
  onRealtime: ({ client, method, given }) => clients.get(client).realtime[method](...given),
  onHeartbeat({ client }) {
    clients.get(client).realtime.onHeartbeat((...value) => write({ to: client, kind: "heartbeat", value }));
  },

  signUp: async ({ client, email, password }) => valueOf(await clients.get(client).auth.signUp({ email, password })).user.id,
  insert: async ({ client, table, rows }) => valueOf(await clients.get(client).from(table).insert(rows).select()),

  /** Conditions as [method, …arguments], made to one filter. */
  filter: ({ conditions }) =>
    conditions.reduce((builder, [method, ...given]) => builder[method](...given), postgresChangesFilter()).build(),

  async stop({ client }) {
    const realtime = clients.get(client).realtime;
    for (const channel of realtime.getChannels()) channel.teardown();
    clients.delete(client);
    await realtime.disconnect();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...given } = JSON.parse(line, unpack);
  Promise.resolve()
    .then(() => commands[command](given))
    .then((value) => write({ id, value: value ?? null }))
    .catch((error) => write({ id, error: error.message }));
}
process.exit(0);
