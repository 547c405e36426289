// Everything that is measured, by name: which processes run, what they do to each other, what is read off them.
import type { FigureName, Figures } from './figure.js';
import { measureConnections, measureMute } from './many.js';
import { measureFloods, measureLog, measurePings } from './flood-figures.js';
import { measureFrames, measureOversized } from './frame-figures.js';
import { measureHeld, measurePartial, measureUnread } from './memory-figures.js';

/** Says what was measured just now. */
export type Say = (text: string) => void;

interface Measurement {
  readonly figures: readonly FigureName[];
  measure(say: Say): Promise<Figures>;
}

export const measurements: Readonly<Record<string, Measurement>> = {
  oversized: { figures: ['oversizedMs', 'oversizedMiB'], measure: measureOversized },
  pings: { figures: ['pingFloodMiB', 'pingFloodP99Ms'], measure: measurePings },
  floods: { figures: ['flood1P99Ms', 'flood16P99Ms', 'cancelFloodP99Ms'], measure: measureFloods },
  unread: { figures: ['unreadMiB', 'unreadStallMs', 'unreadStopMs', 'unread1000MiB'], measure: measureUnread },
  mute: { figures: ['muteGoodMs'], measure: measureMute },
  partial: { figures: ['partialMiB'], measure: measurePartial },
  held: { figures: ['heldMiB'], measure: measureHeld },
  connections: { figures: ['connKiB', 'connP99Ms', 'connLoopMs'], measure: measureConnections },
  frames: { figures: ['frameBlockMs', 'frameBlockPipeMs'], measure: measureFrames },
  log: { figures: ['logLinesPerS'], measure: measureLog },
};

/** The measurements that give these figures, or have these names; all of them for none. */
export function measurementsFor(names: readonly string[]): readonly string[] {
  const all = Object.keys(measurements);
  if (names.length === 0) return all;
  for (const name of names)
    if (!all.some((each) => isMeant(each, name))) throw new RangeError(`no figure "${name}"; ${all.join(', ')}`);
  return all.filter((each) => names.some((name) => isMeant(each, name)));
}

function isMeant(measurement: string, name: string): boolean {
  return measurement === name || measurements[measurement]!.figures.some((figure) => figure === name);
}
