import { run } from './run.js';
import { exporterByEnvironment } from './telemetry.js';

async function main(): Promise<void> {
  const exporter = await exporterByEnvironment();
  console.log(await run(exporter));
  // The tree of the trace is printed now.
  await exporter.shutdown();
}

void main();
