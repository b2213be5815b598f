// One channel, whose client's heartbeats are watched from outside; and beside it a plain interval of the same length,
// which shows what the browser does with timers; see hiding.py.

const pulse = { channel: null, ticks: [] };

async function beginPulse(order) {
  if (order.paint) document.body.append("A page on which something is painted counts as loaded.");
  pulse.channel = newClient(order).channel(order.topic).on("broadcast", { event: "tick" }, () => {});
  await new Promise((resolve) => pulse.channel.subscribe((state) => state === "SUBSCRIBED" && resolve()));
  setInterval(() => pulse.ticks.push(performance.now()), order.heartbeat_ms);
}

function pulseNow() {
  const now = performance.now();
  return { ages_ms: pulse.ticks.map((at) => now - at), state: pulse.channel.state, seen: document.visibilityState };
}
