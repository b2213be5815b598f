// The source for a screen: all its rows are read after each (re)subscription, and compared with those that are known.

import { convert } from './convert.js';
import { keyText, type DatabaseRecord, type Effect, type Model } from './model.js';
import { contentOf, effectOf, Gap, requiredKey, type Binding, type Found, type Payload, type Source } from './source.js';

/** Changes of a row that come while nothing streams are one, its present state. Costs as much as there are rows. */
export class Snapshot<Row extends object, Key extends object> implements Source<Row, Key, null> {
  readonly binding: Binding;
  readonly #known = new Map<string, { readonly key: Key; readonly content: string }>();

  /**
   * @param load reads all rows that belong to it.
   * @param belongs whether a row of the stream does: Realtime's filter may be wider, and knows no row that has left it.
   */
  constructor(
    private readonly model: Model<Row, Key>,
    private readonly load: () => Promise<readonly Row[]>,
    private readonly refetch: (key: Key) => Promise<Row | null>,
    private readonly belongs: (row: Row) => boolean = () => true,
    filter?: string,
  ) {
    this.binding = { event: '*', schema: model.schema, table: model.table, ...(filter === undefined ? {} : { filter }) };
  }

  async receive(payload: Payload): Promise<Found<Row, Key, null>> {
    if (payload.errors?.length) throw new Gap(String(payload.errors));
    const record: DatabaseRecord = payload.eventType === 'DELETE' ? payload.old : payload.new;
    const key = requiredKey(this.model, record);
    if (payload.eventType === 'DELETE') return found({ type: 'delete', key });
    const effect = await effectOf(key, convert(this.model, record), this.refetch);
    return found(effect.type === 'upsert' && !this.belongs(effect.row) ? { type: 'delete', key } : effect);
  }

  async *read(): AsyncGenerator<readonly Found<Row, Key, null>[]> {
    const before = [...this.#known];
    const rows = await this.load();
    const present = new Set(rows.map((row) => keyText(this.model.keyOf(row))));
    const gone = before.filter(([text]) => !present.has(text)).map(([, { key }]) => found<Row, Key>({ type: 'delete', key }));
    yield [...gone, ...rows.map((row) => found<Row, Key>({ type: 'upsert', key: this.model.keyOf(row), row }))];
  }

  admit({ effects }: Found<Row, Key, null>): readonly Effect<Row, Key>[] | null {
    const fresh = effects.filter((effect) => {
      const known = this.#known.get(keyText(effect.key));
      return effect.type === 'delete' ? known !== undefined : known?.content !== contentOf(effect.row);
    });
    return fresh.length > 0 ? fresh : null;
  }

  mark({ effects }: Found<Row, Key, null>): void {
    for (const effect of effects) {
      if (effect.type === 'delete') this.#known.delete(keyText(effect.key));
      else this.#known.set(keyText(effect.key), { key: effect.key, content: contentOf(effect.row) });
    }
  }

  async restart(): Promise<void> {
    this.#known.clear();
  }
}

function found<Row, Key>(effect: Effect<Row, Key>): Found<Row, Key, null> {
  return { place: null, effects: [effect] };
}
