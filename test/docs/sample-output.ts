// What the sample 09-otel prints: what its README says, and without Go less of it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonWithoutGo } from '../../sample/09-otel/go.js';
import { projectRoot } from '../support/project.js';
import { codeBlocks } from './markdown.js';

const path = 'sample/09-otel/README.md';

/** With Go what stands there; without it a line that says so, and no spans of what Go would answer. */
export function outputOfOtelSample(): string {
  const [, output] = codeBlocks({ path, text: readFileSync(join(projectRoot, path), 'utf8') });
  const { lines } = output!;
  const reason = reasonWithoutGo();
  if (reason === undefined) return lines.join('\n');
  return [`the Go service is left out: ${reason}`, ...lines.filter((line) => !line.includes('AddCmd'))].join('\n');
}
