// The same closed loop for every peer: so many slots, each adds its next job when its last one has ended. Prints one line of JSON.
"use strict";

const { randomBytes } = require("node:crypto");

exports.arguments = () => {
  const [url, inFlight, warm, count] = process.argv.slice(2);
  return { url, inFlight: Number(inFlight), warm: Number(warm), count: Number(count) };
};

// As long as a sealed password, and as incompressible.
exports.payload = randomBytes(2775).toString("base64url");

// `add(number)` makes a job durable; `ended(number)` must be called when it is done.
exports.Loop = class {
  constructor(add) {
    this.add = add;
    this.waiting = new Map();
    this.next = 0;
  }

  ended(number) {
    const resolve = this.waiting.get(number);
    this.waiting.delete(number);
    resolve?.();
  }

  async slot(end) {
    while (this.next < end) {
      const number = this.next++;
      const done = new Promise((resolve) => this.waiting.set(number, resolve));
      await this.add(number);
      await done;
    }
  }

  // Seconds for the jobs up to `end`.
  async run(inFlight, end) {
    const begun = process.hrtime.bigint();
    await Promise.all(Array.from({ length: inFlight }, () => this.slot(end)));
    return Number(process.hrtime.bigint() - begun) / 1e9;
  }
};

exports.report = (count, seconds) => console.log(JSON.stringify({ count, seconds }));
