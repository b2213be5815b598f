// The server's side of an outbox: a write that comes twice is applied once.

/** To be run once, in a migration. */
export const APPLIED_WRITES_SQL = `
create table if not exists applied_writes (
  id uuid primary key,
  at timestamptz not null default now()
)`;

interface Transaction {
  $executeRawUnsafe(query: string, ...values: unknown[]): Promise<number>;
}

/**
 * Runs `work` in the transaction that also remembers its id; says whether it did, or had been done before. Two at once
 * with one id: the second waits for the first, and then does nothing.
 */
export function once<Client extends Transaction>(
  prisma: { $transaction(work: (transaction: Client) => Promise<boolean>): Promise<boolean> },
  id: string,
  work: (transaction: Client) => Promise<unknown>,
): Promise<boolean> {
  return prisma.$transaction(async (transaction) => {
    const query = 'insert into applied_writes (id) values ($1::uuid) on conflict do nothing';
    if ((await transaction.$executeRawUnsafe(query, id)) === 0) return false;
    await work(transaction);
    return true;
  });
}
