// An outbox in a file, for Node: a journal of JSON lines, each on the disk before its promise is fulfilled.

import { open, readFile, rename, type FileHandle } from 'node:fs/promises';

import type { OutboxEntry, OutboxStorage } from './outbox.js';

type Line = { readonly put: OutboxEntry } | { readonly remove: string };

/** One process at a time. */
export class FileStorage implements OutboxStorage {
  readonly #entries = new Map<string, OutboxEntry>();
  #journal: FileHandle | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {}

  /** Reads the journal, and writes it anew without what is done. */
  async load(): Promise<readonly OutboxEntry[]> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    // A power cut leaves half a line at the end: what it was to say was not promised to anybody.
    for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) if (line !== '') this.#play(line);
    await this.#compact();
    return [...this.#entries.values()];
  }

  put(entry: OutboxEntry): Promise<void> {
    return this.#append({ put: entry });
  }

  remove(id: string): Promise<void> {
    return this.#append({ remove: id });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#journal?.close();
    this.#journal = null;
  }

  #play(line: string): void {
    const read = JSON.parse(line) as Line;
    if ('put' in read) this.#entries.set(read.put.id, read.put);
    else this.#entries.delete(read.remove);
  }

  async #compact(): Promise<void> {
    const fresh = await open(`${this.path}.new`, 'w');
    await fresh.writeFile([...this.#entries.values()].map((entry) => `${JSON.stringify({ put: entry })}\n`).join(''));
    await fresh.sync();
    await fresh.close();
    await rename(`${this.path}.new`, this.path);
    this.#journal = await open(this.path, 'a');
  }

  #append(line: Line): Promise<void> {
    const done = this.#writing.then(async () => {
      if (!this.#journal) throw new Error(`${this.path} is not open: load it first`);
      await this.#journal.appendFile(`${JSON.stringify(line)}\n`);
      await this.#journal.datasync();
    });
    this.#writing = done.catch(() => undefined);
    return done;
  }
}
