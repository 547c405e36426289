// What a sample prints: what its README says, and where Go is missing less of it.
import { reasonWithoutGo } from '../../sample/09-otel/go.js';
import { shownOutput } from '../support/sample.js';

/** What a sample prints on this machine. */
export function outputOfSample(name: string): string {
  if (name === '07-go-interop') return outputOfGoSample();
  return name === '09-otel' ? outputOfOtelSample() : shownOutput(name);
}

/** Without Go one line that says so. */
function outputOfGoSample(): string {
  const reason = reasonWithoutGo();
  return reason === undefined
    ? shownOutput('07-go-interop')
    : `Go is left out, and so is all of this sample: ${reason}`;
}

/** With Go what stands there; without it a line that says so, and no spans of what Go would answer. */
export function outputOfOtelSample(): string {
  const shown = shownOutput('09-otel');
  const reason = reasonWithoutGo();
  if (reason === undefined) return shown;
  const lines = shown.split('\n').filter((line) => !line.includes('AddCmd'));
  return [`the Go service is left out: ${reason}`, ...lines].join('\n');
}
