// Prisma 5.17's query engine as a process that speaks what the native binary speaks: HTTP with GraphQL bodies. It is
// Prisma's own engine, compiled to WebAssembly in `@prisma/client`, over Prisma's own driver adapter for `pg`.
//
//   node query-engine.mjs --parts FOLDER --port PORT
//
// The environment holds PRISMA_DML_PATH, OVERWRITE_DATASOURCES and PRISMA_ENGINE_TOKEN, which every request must bear:
// a loopback port is open to every account of the machine. It ends when its stdin does, for that is the life line from
// the process that started it.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { connectionSettings, openPool, probe, reasonOf } from './postgres.mjs';
import { fieldTypes, toClientAnswer, toJsonProtocol } from './translate.mjs';

const HOST = '127.0.0.1';
const NO_TRACE = '{}';
const PARENT_CHECK_MS = 1000;

const { values: options } = parseArgs({ options: { parts: { type: 'string' }, port: { type: 'string' } }, strict: true });
const require = createRequire(join(options.parts, 'package.json'));
const pg = require('pg');
const datamodel = readFileSync(process.env.PRISMA_DML_PATH, 'utf8');
const settings = connectionSettings(JSON.parse(process.env.OVERWRITE_DATASOURCES)[0].url, availableParallelism());
const token = process.env.PRISMA_ENGINE_TOKEN;
const models = fieldTypes(datamodel);

dieWithParent();
const engine = await start().catch((error) => refuse(reasonOf(pg, settings, error)));
const server = http.createServer(respond);
server.on('error', (error) => refuse({ is_panic: false, message: error.message, meta: {}, error_code: 'P5000' }));
server.keepAliveTimeout = 0; // the client's pool decides; never close a connection that it is about to use
server.listen(Number(options.port), HOST);

/** Say why there will be no engine, in the form of the native one, and end. */
function refuse(reason) {
  process.stderr.write(`${JSON.stringify(reason)}\n`, () => process.exit(1));
  return new Promise(() => {});
}

/** The life line breaks when the other end dies, however it dies; `ppid` is for ends that a forked child kept open. */
function dieWithParent() {
  const parent = process.ppid;
  const end = () => process.exit(0);
  process.stdin.on('end', end).on('error', end).resume();
  process.on('SIGINT', end).on('SIGTERM', end);
  setInterval(() => process.ppid === parent || end(), PARENT_CHECK_MS).unref();
}

async function start() {
  const [ssl, QueryEngine] = await Promise.all([probe(pg, settings, readFileSync), loadEngine()]);
  const { PrismaPg } = require('@prisma/adapter-pg');
  const { bindAdapter } = require('@prisma/driver-adapter-utils');
  const { pool, counter } = openPool(pg, settings, ssl);
  const adapter = bindAdapter(new PrismaPg(pool, { schema: settings.schema }));
  const query = new QueryEngine({ datamodel, logLevel: 'error', logQueries: false }, () => {}, adapter);
  await query.connect(NO_TRACE);
  return { query, counter, errors: adapter.errorRegistry };
}

async function loadEngine() {
  const runtime = join(dirname(require.resolve('@prisma/client/package.json')), 'runtime');
  const glue = require(join(runtime, 'query_engine_bg.postgresql.js'));
  const code = readFileSync(join(runtime, 'query_engine_bg.postgresql.wasm'));
  const { instance } = await WebAssembly.instantiate(code, { './query_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  return glue.QueryEngine;
}

async function respond(request, response) {
  const [status, text] = await answer(request).catch((error) => [error instanceof SyntaxError ? 422 : 500, failure(error)]);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function answer(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.headers.authorization !== `Bearer ${token}`) return [401, '{}'];
  const body = Buffer.concat(chunks).toString('utf8');
  const [, place, ...rest] = request.url.split('?')[0].split('/');
  if (place === '') return [200, await run(JSON.parse(body), request.headers['x-transaction-id'])];
  if (place === 'transaction') return transaction(rest.at(-1), rest[0], body);
  if (place === 'metrics') return [200, metrics()];
  return place === 'status' ? [200, '{"status":"ok"}'] : [404, '{}'];
}

async function run({ query, batch, transaction: isTransaction }, transactionId) {
  const parts = (batch ?? [{ query }]).map((part) => toJsonProtocol(part.query, models));
  const request = batch ? `{"batch":[${parts}]${isTransaction ? ',"transaction":{}' : ''}}` : parts[0];
  const text = await engine.query.query(request, NO_TRACE, transactionId);
  return withDriverErrors(toClientAnswer(text, request.startsWith('{"action":"queryRaw"')));
}

async function transaction(step, id, body) {
  const { query } = engine;
  const text = await (step === 'start'
    ? query.startTransaction(body, NO_TRACE)
    : step === 'commit'
      ? query.commitTransaction(id, NO_TRACE)
      : query.rollbackTransaction(id, NO_TRACE));
  return [JSON.parse(text).error_code ? 500 : 200, text];
}

/** The engine knows an error of the driver by a number only (P2036): put in what it was. */
function withDriverErrors(text) {
  if (!text.includes('"P2036"')) return text;
  const told = JSON.parse(text);
  for (const error of told.errors ?? []) {
    const { error_code, meta } = error.user_facing_error;
    if (error_code !== 'P2036') continue;
    error.user_facing_error = reasonOf(pg, settings, engine.errors.consumeError(meta.id).error);
    delete engine.errors.registeredErrors[meta.id];
  }
  return JSON.stringify(told);
}

/** In the shape of the native engine's metrics, of which this is the one that can be counted here. */
function metrics() {
  const statements = {
    key: 'prisma_datasource_queries_total',
    value: engine.counter.statements,
    labels: {},
    description: 'Statements sent to the database, those that open and end transactions included',
  };
  return JSON.stringify({ counters: [statements], gauges: [], histograms: [] });
}

function failure(error) {
  const message = error?.message ?? String(error);
  const reason = { is_panic: false, message, meta: {}, error_code: 'P5000' };
  return JSON.stringify({ errors: [{ error: message, user_facing_error: reason }] });
}
