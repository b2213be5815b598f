// What an administrator does with @supabase/supabase-js:  node official_client.mjs PARTS ARGUMENTS
import { createRequire } from "node:module";

const [parts, text] = process.argv.slice(2);
const require = createRequire(`${parts}/`);
const { createClient } = require("@supabase/supabase-js");
const { url, key, clientKey, email } = JSON.parse(text);
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

const { admin } = connect(url, key).auth;
const made = { email, password, email_confirm: true, user_metadata: { name: "Grace" } };
const { user } = valueOf(await admin.createUser(made));
const signedIn = valueOf(await connect(url, clientKey).auth.signInWithPassword({ email, password }));
const list = valueOf(await admin.listUsers({ page: 1, perPage: 100 }));
valueOf(await admin.deleteUser(user.id));
const seen = {
  created: user.id,
  signedIn: signedIn.user.id,
  metadata: signedIn.user.user_metadata,
  listed: list.users.map((one) => one.id),
  total: list.total,
  afterwards: (await admin.getUserById(user.id)).error.code,
};
console.log(JSON.stringify(seen));
process.exit(0);
