// Subscriptions of @supabase/supabase-js, grown to as many as are asked for; what is called here is in subscribing.py.

// Such as an application makes it: a session that is kept, and a token that is refreshed.
function newClient({ url, key, linger_ms, heartbeat_ms, worker }) {
  const realtime = { worker, heartbeatIntervalMs: heartbeat_ms, disconnectOnEmptyChannelsAfterMs: linger_ms };
  return supabase.createClient(url, key, { realtime });
}

function joined(channel) {
  return new Promise((resolve, reject) =>
    channel.subscribe((status, error) => {
      if (status === "SUBSCRIBED") resolve(channel);
      else if (status !== "CLOSED") reject(error ?? new Error(status));
    }),
  );
}

const crowd = { clients: [], channels: [], received: 0 };

// Changes are delivered from the system message on, which comes after SUBSCRIBED.
function hearing(channel) {
  return new Promise((resolve, reject) =>
    channel.on("system", {}, ({ extension, status, message }) => {
      if (extension !== "postgres_changes") return;
      if (status === "ok") resolve();
      else reject(new Error(message));
    }),
  );
}

// Until there are `count` subscriptions: each on a channel of its own, on one client's socket or a client each.
async function grow({ order, count, own_clients, table }) {
  while (crowd.channels.length < count) {
    if (own_clients || !crowd.clients.length) crowd.clients.push(newClient(order));
    const channel = crowd.clients.at(-1).channel(`${order.topic}:${crowd.channels.length}`);
    const hear = () => (crowd.received += 1);
    if (table) channel.on("postgres_changes", { event: "INSERT", schema: table.schema, table: table.name }, hear);
    else channel.on("broadcast", { event: "tick" }, hear);
    const ready = table ? hearing(channel) : undefined;
    crowd.channels.push(await joined(channel));
    await ready;
  }
  return crowd.channels.length;
}

function received() {
  return crowd.received;
}
