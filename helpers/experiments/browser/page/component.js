// A React component that subscribes when it appears, and what applications do when it goes; see mounting.py.

const { createElement, useEffect, useState } = require("react");

const app = { root: null, client: null, cycles: 0, channels: [], clients: [], held: [] };

// What the component tells of itself: the channel's states, and that it has gone.
function told() {
  const waiting = new Map();
  const until = (state) => new Promise((resolve, reject) => waiting.set(state, { resolve, reject }));
  const tell = (state, error) => {
    if (waiting.has(state)) waiting.get(state).resolve();
    else if (error) for (const { reject } of waiting.values()) reject(error);
  };
  return { until, tell };
}

function Room({ order, topic, habit, tell }) {
  const [messages, setMessages] = useState(0);
  useEffect(() => {
    const client = habit.startsWith("a client for each mount") ? newClient(order) : app.client;
    if (client !== app.client) app.clients.push(new WeakRef(client));
    const channel = client.channel(topic).on("broadcast", { event: "tick" }, () => setMessages((count) => count + 1));
    channel.subscribe(tell);
    app.channels.push(new WeakRef(channel));
    return () => cleanUp(habit, client, channel).then(() => tell("GONE"));
  }, [topic]);
  return createElement("p", null, `${topic}: ${messages} messages`);
}

async function cleanUp(habit, client, channel) {
  if (habit !== "forgets") await client.removeChannel(channel);
  if (habit.endsWith("disposed of")) await client.auth.dispose();
}

async function mountOnce({ order, habit, hold_bytes }) {
  const { until, tell } = told();
  const [subscribed, gone] = [until("SUBSCRIBED"), until("GONE")];
  const number = app.cycles++;
  app.root.render(createElement(Room, { key: number, topic: `${order.topic}:${number}`, order, habit, tell }));
  await subscribed;
  app.root.render(null);
  await gone;
  if (hold_bytes) app.held.push(new Uint8Array(hold_bytes));
}

// The client of the application, on a channel that stays.
async function beginApp(order) {
  for (let number = 0; number < 1e5; number++) String(number); // V8 keeps some, in a table that grows once, by 64 KB
  app.root = require("react-dom/client").createRoot(document.getElementById("app"));
  app.client = newClient(order);
  await joined(app.client.channel(`${order.topic}:stays`));
}

async function mountAndUnmount({ times, pause_ms, ...options }) {
  for (let done = 0; done < times; done++) {
    await mountOnce(options);
    if (pause_ms) await new Promise((resolve) => setTimeout(resolve, pause_ms));
  }
}

// Of all that the component ever made, how many are still in memory; ask after a collection of garbage.
function stillAlive() {
  for (const kind of ["channels", "clients"]) app[kind] = app[kind].filter((reference) => reference.deref());
  return [app.channels.length, app.clients.length];
}
