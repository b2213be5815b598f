// Node has threads, but no Web Worker: as much of one, on a thread, as realtime-js uses.
import { resolveObjectURL } from "node:buffer";
import { Worker } from "node:worker_threads";

const GLOBALS = `
  const { parentPort } = require("node:worker_threads");
  const postMessage = (data) => parentPort.postMessage(data);
  const addEventListener = (_type, heard) => parentPort.on("message", (data) => heard({ data }));
`;

export class WebWorker {
  constructor(url) {
    this.thread = this.start(url);
  }

  async start(url) {
    const script = await resolveObjectURL(url).text();
    const thread = new Worker(GLOBALS + script, { eval: true });
    thread.on("message", (data) => this.onmessage?.({ data }));
    return thread;
  }

  postMessage(data) {
    this.thread.then((thread) => thread.postMessage(data));
  }

  terminate() {
    this.thread.then((thread) => thread.terminate());
  }
}
