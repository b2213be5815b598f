// Two dialects of one engine. Prisma Client Python writes GraphQL text; the WebAssembly engine takes Prisma's JSON
// protocol. Literals are copied as they stand, so that no number and no string is read and written again on the way.

const ACTION = /^(findUnique|findFirst|findMany|createOne|createMany|updateOne|updateMany|deleteOne|deleteMany|upsertOne|aggregate|groupBy)(\w*?)(OrThrow)?$/;
const TOKEN = /[\s,]*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<number>-?\d[\d.eE+-]*)|(?<name>[_A-Za-z]\w*)|(?<mark>[{}()[\]:]))/y;
const LITERALS = new Set(['true', 'false', 'null']);

/** The models of a schema: model -> field -> name of the field's type. */
export function fieldTypes(datamodel) {
  const models = {};
  for (const [, model, body] of datamodel.matchAll(/^\s*(?:model|view)\s+(\w+)\s*\{(.*?)^\s*\}/gms)) {
    models[model] = Object.fromEntries([...body.matchAll(/^\s*(\w+)\s+(\w+)/gm)].map(([, field, type]) => [field, type]));
  }
  return models;
}

/** A query of the client as text of the JSON protocol. Throws SyntaxError when it is none. */
export function toJsonProtocol(query, models) {
  return new Translation(query, models).operation();
}

/** Recursive descent over the client's GraphQL; every method returns JSON text. */
class Translation {
  constructor(source, models) {
    this.source = source;
    this.models = models;
    this.position = 0;
    this.advance();
  }

  operation() {
    this.advance(); // query or mutation
    this.expect('{');
    this.expect('result');
    this.expect(':');
    const name = this.token;
    this.advance();
    if (name === 'queryRaw' || name === 'executeRaw') return `{"action":"${name}","query":${this.node(null)}}`;
    const [, action, model, orThrow = ''] = ACTION.exec(name) ?? this.fail();
    return `{"modelName":"${model}","action":"${action}${orThrow}","query":${this.node(model, true)}}`;
  }

  /** Arguments and selection of a query or of an included relation; a bare field is `true`. */
  node(model, isRoot = false) {
    const given = this.token === '(' ? this.object('(', ')', { level: 'arguments', model }) : null;
    const selected = this.token === '{' ? this.selection(model) : null;
    if (given === null && selected === null && !isRoot && model === undefined) return 'true';
    return `{"arguments":${given ?? '{}'},"selection":${selected ?? '{}'}}`;
  }

  selection(model) {
    const fields = [];
    this.expect('{');
    while (this.token !== '}') {
      const field = this.name();
      fields.push(`"${field}":${this.node(this.related(model, field))}`);
    }
    this.advance();
    return `{${fields.join(',')}}`;
  }

  object(open, close, place) {
    const pairs = [];
    this.expect(open);
    while (this.token !== close) {
      const key = this.name();
      this.expect(':');
      pairs.push(`"${key}":${this.value(this.within(place, key))}`);
    }
    this.advance();
    return `{${pairs.join(',')}}`;
  }

  value(place) {
    if (this.token === '{') return this.object('{', '}', place);
    if (this.token === '[') return this.list(place);
    const { kind, token } = this;
    if (kind === 'mark' || kind === 'end') this.fail();
    this.advance();
    if (kind === 'name') return LITERALS.has(token) ? token : `"${token}"`;
    return kind === 'text' && place.level === 'json' ? `{"$type":"Json","value":${token}}` : token;
  }

  list(place) {
    const items = [];
    this.expect('[');
    while (this.token !== ']') items.push(this.value(place));
    this.advance();
    return `[${items.join(',')}]`;
  }

  /**
   * Where the value of a key stands. The JSON protocol takes plain literals for every type but Json, whose text must be
   * tagged: so the way from the arguments through fields and relations down to a Json field is followed.
   */
  within({ level, model }, key) {
    if (level === 'arguments') return { level: 'fields', model };
    if (level === 'json') return { level: JSON_OPERATORS_WITH_TEXT.has(key) ? 'plain' : 'json' };
    if (level === 'plain') return { level };
    const type = this.models[model]?.[key];
    if (type === 'Json') return { level: 'json' };
    if (type in this.models) return { level: 'relation', model: type };
    if (type !== undefined) return { level: 'plain' };
    const isNested = level === 'relation' && key !== 'where' && key !== 'data'; // create, update, some, every, …
    return { level: isNested ? 'relation' : 'fields', model }; // or AND, OR, NOT
  }

  related(model, field) {
    const type = this.models[model]?.[field];
    return type in this.models ? type : undefined;
  }

  name() {
    if (this.kind !== 'name') this.fail();
    const { token } = this;
    this.advance();
    return token;
  }

  expect(token) {
    if (this.token !== token) this.fail();
    this.advance();
  }

  advance() {
    TOKEN.lastIndex = this.position;
    const found = TOKEN.exec(this.source);
    if (found) this.position = TOKEN.lastIndex;
    this.kind = found ? Object.keys(found.groups).find((kind) => found.groups[kind] !== undefined) : 'end';
    this.token = found ? found.groups[this.kind] : '';
  }

  fail() {
    throw new SyntaxError(`unexpected ${this.token || 'end'} before position ${this.position} of: ${this.source}`);
  }
}

/** Filters on a Json field whose operand is not JSON. */
const JSON_OPERATORS_WITH_TEXT = new Set(['path', 'string_contains', 'string_starts_with', 'string_ends_with', 'mode']);

// Inside of strings quotation marks are escaped, so this matches nothing but the protocol's own tags.
const TAG = /\{"\$type":"(\w+)","value":("(?:[^"\\]|\\.)*"|[^"{}]+)\}/g;
const DATA = /^\{"data":\{"\w+":/;

/** The engine's answer as the client reads it: values without tags, and the result called `result`. */
export function toClientAnswer(answer, isRaw) {
  const plain = isRaw ? answer : answer.replace(TAG, (_, type, value) => (type === 'BigInt' ? value.replaceAll('"', '') : value));
  return plain.replace(DATA, '{"data":{"result":');
}
