// REST and Auth of the lab: two apps of @supabase/lite on one unix socket.
//
//     node lite.mjs PARTS        PARTS/node_modules holds @supabase/lite
//
// Loads its modules, then reads its settings as one line of JSON from stdin and listens on `socket`; ends with stdin.
// The lab's front door is its only client and has checked every key, so no keys are checked here; tokens are.
//
// What differs from lite's own command:
// - REST connects as `authenticator` and Auth as `supabase_auth_admin`, as on Supabase, and neither makes grants.
// - Every REST request runs as the role of its token, whether or not a table has row level security yet; role and
//   claims are set in one statement.
// - The schema is read again when PostgreSQL says it changed (NOTIFY pgrst), and once when a table is not found.
// - Times are written as PostgREST and GoTrue write them, bytes as PostgREST does; Auth's JSON columns hold objects.

import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const part = (path) => import(pathToFileURL(join(process.argv[2], "node_modules", path)).href);
const [lite, postgres, kysely, hono, bcrypt] = await Promise.all([
  part("@supabase/lite/dist/index.js"),
  part("@supabase/lite/dist/db/postgres/PostgresConnection.js"),
  part("kysely/dist/esm/index.js"),
  part("@hono/node-server/dist/index.mjs"),
  part("bcryptjs/index.js"),
]);
const { App, RelationNotFoundError } = lite;
const { PostgresConnection } = postgres;
const { sql } = kysely;

const { value: line } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const settings = JSON.parse(line);

/** A PostgreSQL type that passes as text, in both directions changed by nothing but `parse`. */
const asText = (oid, parse) => ({ to: oid, from: [oid], serialize: (text) => text, parse });

/** `2026-11-22 08:43:50.151+00` as `2026-11-22T08:43:50.151+00:00`, which is PostgreSQL's own form in JSON. */
const rfc3339 = (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");

const TIMES = { timestamp: asText(1114, rfc3339), timestamptz: asText(1184, rfc3339) };
const REST_TYPES = { ...TIMES, bytea: asText(17, (text) => text) };

// lite hands Auth's JSON over as text already: encoded once more it would be kept as a JSON string, in which no
// trigger finds a name.
const jsonText = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const AUTH_TYPES = {
  ...TIMES,
  json: { to: 114, from: [114], serialize: jsonText, parse: JSON.parse },
  jsonb: { to: 3802, from: [3802], serialize: jsonText, parse: JSON.parse },
};

function connect(user, options = {}) {
  const postgresOptions = { host: settings.database.directory, port: settings.database.port, database: "postgres" };
  return { url: "", postgresOptions: { ...postgresOptions, user, onnotice: () => {}, ...options } };
}

/** The schema as the REST API knows it, read by a role that may see all of it. */
class Catalog {
  #connection = new PostgresConnection(connect("supabase_admin", { max: 2 }));
  #reading;

  read() {
    return (this.#reading ??= this.#connection.introspect({ useCache: false }));
  }

  forget() {
    this.#reading = undefined;
  }

  viewOptions(view, schema) {
    return this.#connection.viewOptionsMetadata(view, schema);
  }

  async watch() {
    await this.#connection.driver.listen("pgrst", () => this.forget());
  }
}

class RestConnection extends PostgresConnection {
  #catalog;

  constructor(config, catalog) {
    super(config);
    this.#catalog = catalog;
  }

  introspect() {
    return this.#catalog.read();
  }

  viewOptionsMetadata(view, schema) {
    return this.#catalog.viewOptions(view, schema);
  }

  async ensureRlsContext() {
    return true;
  }

  async applyJwtSessionContext(transaction, { auth }) {
    const role = auth?.role || "anon";
    const claims = JSON.stringify(auth?.jwt ?? { role });
    const become = sql`select set_config('role', ${role}, true), set_config('request.jwt.claims', ${claims}, true)`;
    await become.execute(transaction);
  }

  async onPostgrestAST(query) {
    try {
      return await super.onPostgrestAST(query);
    } catch (error) {
      if (!(error instanceof RelationNotFoundError)) throw error;
      this.#catalog.forget();
      return await super.onPostgrestAST(query);
    }
  }
}

/** PostgREST trusts a token's signature: it does not look for its user or session. */
async function trustSignature(context, next) {
  const repo = { findUserById: async () => ({}), findSessionById: async () => ({}) };
  context.set("authService", { repo });
  await next();
}

const server = { apiKeys: false, disableStudio: true, disableFallback: true };
const catalog = new Catalog();
const rest = new App({
  connection: new RestConnection(
    connect("authenticator", { max: settings.rest_connections, types: REST_TYPES }),
    catalog,
  ),
  api: { schemas: settings.schemas, max_rows: settings.max_rows },
  auth: { enabled: false, jwt_secret: settings.jwt_secret },
  options: { server: { ...server, middlewares: [trustSignature] } },
});
const auth = new App({
  connection: new PostgresConnection(
    connect("supabase_auth_admin", { max: settings.auth_connections, types: AUTH_TYPES }),
  ),
  auth: { enabled: true, jwt_secret: settings.jwt_secret, ...settings.auth },
  options: { server },
});

async function answer(request) {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/rest/v1")) return rest.fetch(request);
  if (pathname.startsWith("/auth/v1")) return auth.fetch(request);
  if (pathname === "/lab/ready") return Response.json(true);
  if (pathname === "/lab/password") return Response.json(await bcrypt.default.hash(await request.text(), 10));
  return new Response("Not Found", { status: 404 });
}

await Promise.all([catalog.read(), catalog.watch(), rest.init(), auth.init().then(() => auth.connection.ping())]);
createServer(hono.getRequestListener(answer)).listen(settings.socket);
process.stdin.on("end", () => process.exit(0));
