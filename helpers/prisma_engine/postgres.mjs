// The database as the engine sees it: Prisma's `pg` driver adapter, with the connection parameters of Prisma's URLs.

const OWN_PARAMETERS = [
  'schema', 'connection_limit', 'pool_timeout', 'connect_timeout', 'socket_timeout', 'pgbouncer',
  'statement_cache_size', 'sslmode', 'sslaccept', 'sslcert', 'sslidentity', 'sslpassword',
]; // prettier-ignore

// The built-in types that the adapter knows; it refuses others, so they are handed on as text.
const KNOWN_TYPES = new Set([
  16, 17, 20, 21, 23, 25, 26, 114, 142, 143, 199, 650, 651, 700, 701, 790, 791, 869, 1000, 1001, 1002, 1005, 1007, 1009,
  1014, 1015, 1016, 1021, 1022, 1028, 1041, 1042, 1043, 1082, 1083, 1114, 1115, 1182, 1183, 1184, 1231, 1266, 1560, 1561,
  1562, 1563, 1700, 2950, 2951, 3802, 3807,
]); // prettier-ignore
const FIRST_USER_TYPE = 10_000;
const TEXT = 25;
const [JSON_ARRAY, JSONB_ARRAY, TEXT_ARRAY] = [199, 3807, 1009];

/** What of Prisma's URL means what. https://www.prisma.io/docs/orm/overview/databases/postgresql#arguments */
export function connectionSettings(databaseUrl, cpus) {
  const [address, query = ''] = databaseUrl.split('?');
  const parameters = new URLSearchParams(query);
  const seconds = (name, preset) => Number(parameters.get(name) ?? preset) * 1000;
  const settings = {
    schema: parameters.get('schema') ?? 'public',
    viaPooler: parameters.get('pgbouncer') === 'true',
    tls: parameters.get('sslmode') ?? 'prefer',
    verify: parameters.get('sslaccept') === 'strict' || (parameters.get('sslmode') ?? '').startsWith('verify'),
    certificate: parameters.get('sslcert'),
    max: Number(parameters.get('connection_limit') ?? cpus * 2 + 1),
    connectTimeout: seconds('connect_timeout', 5),
    poolTimeout: seconds('pool_timeout', 10),
  };
  for (const name of OWN_PARAMETERS) parameters.delete(name);
  return { ...settings, url: parameters.size ? `${address}?${parameters}` : address };
}

/** Connect once, to learn whether the database can be reached at all and whether it speaks TLS. Returns pg's `ssl`. */
export async function probe(pg, settings, readFile) {
  const secured = {
    rejectUnauthorized: settings.verify,
    ...(settings.certificate && { ca: readFile(settings.certificate, 'utf8') }),
  };
  if (settings.tls === 'disable') return tryConnecting(pg, settings, false);
  try {
    return await tryConnecting(pg, settings, secured);
  } catch (error) {
    if (settings.tls !== 'prefer' || !/does not support SSL/.test(error.message)) throw error;
    return tryConnecting(pg, settings, false);
  }
}

async function tryConnecting(pg, { url, connectTimeout }, ssl) {
  const client = new pg.Client({ connectionString: url, ssl, connectionTimeoutMillis: connectTimeout });
  client.on('error', () => {});
  try {
    await client.connect();
    return ssl;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A pool that counts what it asks the database (`counter.statements`). */
export function openPool(pg, settings, ssl) {
  const counter = { statements: 0 };
  class Client extends pg.Client {
    query(asked, ...rest) {
      counter.statements += 1;
      if (typeof asked === 'string') return super.query(asked, ...rest);
      const types = { getTypeParser: (oid, format) => typeParser(pg, asked.types, oid, format) };
      const done = rest.pop(); // the pool's, or the values once more, which are in what is asked already
      if (typeof done !== 'function') return super.query({ ...asked, types }).then(withKnownTypes);
      return super.query({ ...asked, types }, (error, result) => done(error, result && withKnownTypes(result)));
    }
  }
  const pool = new pg.Pool({
    Client,
    connectionString: settings.url,
    ssl,
    max: settings.max,
    connectionTimeoutMillis: settings.poolTimeout,
    idleTimeoutMillis: 60_000,
  });
  pool.on('error', () => {}); // an idle connection broke: the next query opens another
  pool.on('connect', (client) => prepare(client, settings));
  return { pool, counter };
}

/** The adapter reads times as UTC. A pooler lends a connection for one transaction, so nothing may be set on it. */
function prepare(client, { viaPooler, schema }) {
  client.on('error', () => {}); // a connection in use broke: its query fails, not this process
  if (viaPooler) return;
  const path = schema.replaceAll('"', '""');
  // Queued before the first query of this connection, whose own failure tells more than this one's.
  client.query(`SET TIME ZONE 'UTC'; SET search_path TO "${path}"`, () => {});
}

const isKnown = (oid) => oid >= FIRST_USER_TYPE || KNOWN_TYPES.has(oid);

/** The adapter's parser; text for types it does not know, and for the elements of JSON arrays, which it would parse. */
function typeParser(pg, adapterTypes, oid, format) {
  if (oid === JSON_ARRAY || oid === JSONB_ARRAY) return pg.types.getTypeParser(TEXT_ARRAY, format);
  return isKnown(oid) ? adapterTypes.getTypeParser(oid, format) : (text) => text;
}

function withKnownTypes(result) {
  for (const field of result.fields) if (!isKnown(field.dataTypeID)) field.dataTypeID = TEXT;
  return result;
}

/** A driver's error in the words and codes of Prisma's own engine. */
export function reasonOf(pg, { url }, error) {
  const { host, port, user, database } = new pg.Client({ connectionString: url });
  const detail = error.errors?.map((cause) => cause.message).join(', ') || error.message || String(error);
  const [error_code, message] =
    error.code === '28P01' || error.code === '28000'
      ? ['P1000', `Authentication failed against the database server for the user \`${user}\` (${detail})`]
      : error.code === '3D000'
        ? ['P1003', `Database \`${database}\` does not exist on the server at \`${host}:${port}\``]
        : ['P1001', `Can't reach database server at \`${host}:${port}\` (${detail})`];
  return { is_panic: false, message, meta: {}, error_code };
}
