// What all checks share: their settings, the clients, and how they speak with the test.

import { createInterface } from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';

import { PrismaClient } from './generated/client.js';

export interface Settings {
  readonly url: string;
  readonly key: string;
  readonly secret: string;
  readonly database: string;
  readonly [more: string]: unknown;
}

export const settings = JSON.parse(process.argv[2] ?? '{}') as Settings;

export const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: settings.database, max: 4 }) });

/** A client with the rights of a key, or of a user's token. */
export function supabaseClient(key: string, token?: string): SupabaseClient {
  return createClient(settings.url, key, {
    ...(token === undefined ? { auth: { persistSession: false, autoRefreshToken: false } } : { accessToken: async () => token }),
    realtime: { heartbeatIntervalMs: Number(settings['heartbeatMs'] ?? 2_000) },
  });
}

/** One line to the test. */
export function say(name: string, value: unknown): void {
  const text = JSON.stringify({ [name]: value }, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
  process.stdout.write(`${text}\n`);
}

/** The test's words, one a line. */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function heard(): Promise<string> {
  const { value } = (await lines.next()) as { value?: string };
  return value ?? '';
}

/** Until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, limitMs = 30_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function finish(): Promise<never> {
  await prisma.$disconnect();
  process.exit(0);
}
