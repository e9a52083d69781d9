// graphile-worker: add_job, its runner with the settings of its performance page (local queue, completion in batches). A slot goes on
// when its job's task has ended, which is before the completion is durable; the clock stops when no job is left in the table.
"use strict";

const { Logger, makeWorkerUtils, run } = require("graphile-worker");
const { Pool } = require("pg");
const { Loop, arguments: given, payload, report } = require("./drive.js");

async function main() {
  const { url, inFlight, warm, count } = given();
  const logger = new Logger(() => () => {});
  const adding = new Pool({ connectionString: url, max: 20 });
  adding.on("error", () => {});
  const utils = await makeWorkerUtils({ pgPool: adding, logger });
  await utils.migrate();
  const loop = new Loop((number) => utils.addJob("cycle", { number, payload }));
  const runner = await run({
    preset: {
      worker: {
        connectionString: url,
        concurrentJobs: 24,
        maxPoolSize: 25,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    logger,
    noHandleSignals: true,
    taskList: { cycle: async () => {} },
  });
  runner.events.on("job:complete", ({ job }) => loop.ended(job.payload.number));
  await loop.run(inFlight, warm);
  const begun = process.hrtime.bigint();
  await loop.run(inFlight, warm + count);
  for (;;) {
    const { rows } = await adding.query("select exists (select from graphile_worker._private_jobs) as left");
    if (!rows[0].left) break;
  }
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  await runner.stop();
  report(count, seconds);
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
