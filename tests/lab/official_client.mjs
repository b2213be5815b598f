// What a user of @supabase/supabase-js does:  node official_client.mjs PARTS TASK ARGUMENTS
import { createRequire } from "node:module";

const [parts, task, text] = process.argv.slice(2);
const require = createRequire(`${parts}/`);
const { createClient } = require("@supabase/supabase-js");
const password = "correct horse";

/** The value of an answer; its error, if it has one, ends the script. */
function valueOf({ data, error }) {
  if (error) throw error;
  return data;
}

function connect(url, key) {
  const options = { auth: { persistSession: false, autoRefreshToken: false } };
  // Node 22 and newer have a WebSocket of their own.
  return createClient(url, key, globalThis.WebSocket ? options : { ...options, realtime: { transport: require("ws") } });
}

const tasks = {
  async wholeWay({ url, key, table, email }) {
    const client = connect(url, key);
    const { user } = valueOf(await client.auth.signUp({ email, password }));
    const seen = { user: user.id };
    const channel = client.channel("room", { config: { broadcast: { self: true }, presence: { key: "me" } } });
    const filter = { event: "INSERT", schema: "public", table, filter: "room=eq.7" };
    const change = new Promise((done) => channel.on("postgres_changes", filter, done));
    const broadcast = new Promise((done) => channel.on("broadcast", { event: "greeting" }, done));
    const join = new Promise((done) => channel.on("presence", { event: "join" }, done));
    const ready = new Promise((done) => channel.on("system", {}, done));
    await new Promise((done, fail) =>
      channel.subscribe((status, error) => (status === "SUBSCRIBED" ? done() : fail(error ?? new Error(status)))),
    );
    const { status } = await ready;
    if (status !== "ok") throw new Error(`not ready: ${status}`);

    const rows = [
      { room: 8, body: "elsewhere" },
      { room: 7, body: "here", meta: { deep: [1, { a: null }] } },
    ];
    seen.owners = valueOf(await client.from(table).insert(rows).select()).map((row) => row.owner);
    await channel.send({ type: "broadcast", event: "greeting", payload: { text: "hello" } });
    await channel.track({ mood: "fine" });
    seen.change = await change;
    seen.broadcast = (await broadcast).payload;
    seen.join = (await join).key;
    await client.removeAllChannels();

    const stranger = connect(url, key);
    valueOf(await stranger.auth.signUp({ email: `other-${email}`, password }));
    seen.stranger = valueOf(await stranger.from(table).select());
    return seen;
  },

  async admin({ url, key, clientKey, email }) {
    const { admin } = connect(url, key).auth;
    const made = { email, password, email_confirm: true, user_metadata: { name: "Grace" } };
    const { user } = valueOf(await admin.createUser(made));
    const signedIn = valueOf(await connect(url, clientKey).auth.signInWithPassword({ email, password }));
    const list = valueOf(await admin.listUsers({ page: 1, perPage: 100 }));
    valueOf(await admin.deleteUser(user.id));
    return {
      created: user.id,
      signedIn: signedIn.user.id,
      metadata: signedIn.user.user_metadata,
      listed: list.users.map((one) => one.id),
      total: list.total,
      afterwards: (await admin.getUserById(user.id)).error.code,
    };
  },
};

console.log(JSON.stringify(await tasks[task](JSON.parse(text))));
process.exit(0);
