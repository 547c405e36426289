// The command line: measures what is promised of a client whose server goes away, with default options, and says
// whether it is kept. Takes about five minutes; the machine should have little else to do.
import { line, isKept, type Figure } from './figure.js';
import { measureLongOutage } from './long-outage.js';
import { measureKills, measureOutages } from './outages.js';
import { measureSilences } from './silences.js';

const measurements: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  kills: measureKills,
  outages: measureOutages,
  silences: measureSilences,
  'long-outage': measureLongOutage,
};

const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : Object.keys(measurements)) {
  const measure = measurements[name];
  if (!measure) throw new RangeError(`no measurement "${name}"; there are ${Object.keys(measurements).join(', ')}`);
  const figures = await measure();
  for (const figure of figures) process.stdout.write(`${line(figure)}\n`);
  if (!figures.every(isKept)) process.exitCode = 1;
}
