// pg-boss: send, fetch in batches, complete in batches. Consumers ask again at once while anything is under way, which is more than
// its own polling (twice a second at most) would do.
"use strict";

const PgBoss = require("pg-boss");
const { Loop, arguments: given, payload, report } = require("./drive.js");

const QUEUE = "cycle";
const CONSUMERS = 2;

async function main() {
  const { url, inFlight, warm, count } = given();
  const boss = new PgBoss({ connectionString: url, max: 20, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue(QUEUE);
  let stop = false;
  const loop = new Loop((number) => boss.send(QUEUE, { number, payload }));
  const consume = async () => {
    while (!stop) {
      const jobs = await boss.fetch(QUEUE, { batchSize: inFlight });
      if (jobs.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      await boss.complete(QUEUE, jobs.map((job) => job.id));
      for (const job of jobs) loop.ended(job.data.number);
    }
  };
  const consumers = Array.from({ length: CONSUMERS }, consume);
  await loop.run(inFlight, warm);
  const seconds = await loop.run(inFlight, warm + count);
  stop = true;
  await Promise.all(consumers);
  await boss.stop({ graceful: false });
  report(count, seconds);
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
