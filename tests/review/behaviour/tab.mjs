// One browser tab: components of an application, rendered by its own React on happy-dom, with its own Supabase client.
// Says, in lines of JSON, what it shows and whether its channels are ready; does what it is told in lines of JSON.
import fs from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

const { folder, email, password, shows } = JSON.parse(process.argv[2]);
const need = createRequire(path.join(folder, 'package.json'));
console.log = console.debug = console.info = console.error;

/** TypeScript, and what `@/` and a path without its ending stand for, as the application's bundler has it. */
function loadAsTheBundlerDoes() {
  const typescript = need('typescript');
  const compilerOptions = {
    module: typescript.ModuleKind.CommonJS,
    target: typescript.ScriptTarget.ES2022,
    jsx: typescript.JsxEmit.ReactJSX,
    esModuleInterop: true,
  };
  const endings = ['', '.ts', '.tsx', '/index.ts', '/index.tsx'];
  const found = (base) => endings.map((ending) => base + ending).find((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
  registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL?.startsWith('file:') ? fileURLToPath(context.parentURL) : '';
      const inside = parent.startsWith(folder) && !parent.includes('node_modules');
      let base;
      if (specifier.startsWith('@/')) base = path.join(folder, specifier.slice(2));
      else if (inside && specifier.startsWith('.')) base = path.resolve(path.dirname(parent), specifier);
      const file = base && found(base);
      return file ? { url: pathToFileURL(file).href, shortCircuit: true } : next(specifier, context);
    },
    load(url, context, next) {
      if (!/\.tsx?$/.test(url)) return next(url, context);
      const file = fileURLToPath(url);
      const made = typescript.transpileModule(fs.readFileSync(file, 'utf8'), { compilerOptions, fileName: file });
      return { format: 'commonjs', source: made.outputText, shortCircuit: true };
    },
  });
}

/** The page's globals; the network, and its events, stay Node's own. */
async function openPage() {
  const { Window } = await import(pathToFileURL(need.resolve('happy-dom')).href);
  const window = new Window({ url: 'http://localhost:3000/' });
  const names = ['document', 'navigator', 'location', 'localStorage', 'Node', 'Element', 'HTMLElement',
    'HTMLIFrameElement', 'HTMLInputElement'];
  for (const name of names) define(name, window[name]);
  for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent', 'requestAnimationFrame', 'cancelAnimationFrame']) {
    define(name, window[name].bind(window));
  }
  define('window', globalThis);
  define('self', globalThis);
  return window;
}

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

const joining = new Set();

/** A WebSocket that keeps note of the channels whose join, or whose subscription to the database, is not answered. */
class WatchedSocket extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', ({ data }) => typeof data === 'string' && this.#received(JSON.parse(data)));
    this.addEventListener('close', () => this.#forget(() => true));
  }

  send(data) {
    if (typeof data === 'string') this.#sent(JSON.parse(data));
    super.send(data);
  }

  #sent(frame) {
    const { topic, event, ref, payload } = named(frame);
    if (event === 'phx_leave') this.#forget((join) => join.topic === topic);
    if (event !== 'phx_join') return;
    joining.add({ socket: this, topic, ref, changes: payload.config.postgres_changes?.length > 0 });
  }

  #received(frame) {
    const { topic, event, ref, join_ref: joinRef, payload } = named(frame);
    const subscribed = event === 'system' && payload.extension === 'postgres_changes';
    const answers = (join) =>
      join.changes ? subscribed && (joinRef ?? join.ref) === join.ref : event === 'phx_reply' && ref === join.ref;
    this.#forget((join) => join.topic === topic && answers(join));
  }

  #forget(those) {
    for (const join of joining) if (join.socket === this && those(join)) joining.delete(join);
  }
}

function named(frame) {
  if (!Array.isArray(frame)) return frame;
  const [joinRef, ref, topic, event, payload] = frame;
  return { topic, event, ref, join_ref: joinRef, payload };
}

/** The lines that a reader sees. */
function linesOf(node, lines = ['']) {
  for (const child of node.childNodes) {
    if (child.nodeType === 3) {
      lines[lines.length - 1] += child.textContent;
      continue;
    }
    const block = !['A', 'B', 'I', 'SMALL', 'SPAN'].includes(child.tagName) || child.parentNode.className === 'cursors';
    const apart = lines[lines.length - 1] && !lines[lines.length - 1].endsWith(' ');
    if (block) lines.push('');
    else if (apart) lines[lines.length - 1] += ' ';
    linesOf(child, lines);
    if (block) lines.push('');
  }
  return lines.map((line) => line.trim().replace(/\s+/g, ' ')).filter((line, place) => line || place === lines.length - 1);
}

function mount() {
  const { createElement } = need('react');
  const { createRoot } = need('react-dom/client');
  const { AppRouterContext } = need('next/dist/shared/lib/app-router-context.shared-runtime.js');
  const nothing = () => {};
  const router = { push: nothing, replace: nothing, refresh: nothing, prefetch: nothing, back: nothing, forward: nothing };
  for (const { component, props } of shows) {
    const [file, name] = component.split('#');
    const place = document.body.appendChild(document.createElement('section'));
    const Component = need(`@/${file}`)[name];
    createRoot(place, { onUncaughtError: end }).render(
      createElement(AppRouterContext.Provider, { value: router }, createElement(Component, props)),
    );
  }
}

/** A page that would be blank is no screen to compare. */
function end(error) {
  console.error(error);
  process.exit(1);
}

const deeds = {
  type({ text }) {
    const input = document.querySelector('input[name=body]');
    for (let length = 1; length <= text.length; length++) {
      input.dispatchEvent(new page.KeyboardEvent('keydown', { bubbles: true, key: text[length - 1] }));
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text.slice(0, length));
      input.dispatchEvent(new page.InputEvent('input', { bubbles: true }));
    }
  },
  submit: () => document.querySelector('button[type=submit]').click(),
  point({ at: [clientX, clientY] }) {
    document.body.dispatchEvent(new page.PointerEvent('pointermove', { bubbles: true, clientX, clientY }));
  },
};

loadAsTheBundlerDoes();
const page = await openPage();
define('WebSocket', WatchedSocket);
const { error } = await need('@/lib/supabase').supabase.auth.signInWithPassword({ email, password });
if (error) throw error;
mount();

let said = '';
setInterval(() => {
  const lines = linesOf(document.body).filter(Boolean);
  const now = JSON.stringify({ lines, ready: joining.size === 0 });
  if (now !== said) process.stdout.write(`${(said = now)}\n`);
}, 20);
for await (const line of readline.createInterface({ input: process.stdin })) {
  const deed = JSON.parse(line);
  deeds[deed.does](deed);
}
process.exit(0);
