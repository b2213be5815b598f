// An outbox in the browser's IndexedDB: it survives a reload, a crash of the tab, and days without a network.

import type { OutboxEntry, OutboxStorage } from './outbox.js';

const STORE = 'outbox';

/** One outbox per name. Of several tabs only one should send: hold a lock (`navigator.locks`) while it is open. */
export class IndexedDbStorage implements OutboxStorage {
  #database: Promise<IDBDatabase> | null = null;

  constructor(private readonly name: string) {}

  async load(): Promise<readonly OutboxEntry[]> {
    const database = await this.#open();
    return answer(database.transaction(STORE).objectStore(STORE).getAll() as IDBRequest<OutboxEntry[]>);
  }

  put(entry: OutboxEntry): Promise<void> {
    return this.#change((store) => store.put(entry));
  }

  remove(id: string): Promise<void> {
    return this.#change((store) => store.delete(id));
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= openDatabase(this.name);
    return this.#database;
  }

  /** The request's success is not enough: the transaction may still be rolled back. */
  async #change(act: (store: IDBObjectStore) => IDBRequest): Promise<void> {
    const database = await this.#open();
    await new Promise<void>((resolve, reject) => {
      const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      act(transaction.objectStore(STORE));
    });
  }
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
  return answer(request);
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
