// A run as SVG: Commands a second, failures a second and memory, one below the other over the same time.
import type { Moment } from './storm.js';

interface Panel {
  readonly title: string;
  readonly unit: string;
  /** One value for each step of time; undefined: there is none. */
  readonly values: readonly (number | undefined)[];
  readonly colour: string;
}

const WIDTH = 860;
const MARGIN = 24;
const LEFT = 84;
const TOP = 66;
const PANEL = 130;
const GAP = 40;
const NOTE = 16;
const MOST_STEPS = 360;
const MIB = 1024 * 1024;
const MINUTE = 60;

const style = `
  .ground { fill: #ffffff; } .text { fill: #1f2328; } .faint { fill: #59636e; } .line { stroke: #d1d9e0; }
  .good { stroke: #0a69da; } .bad { stroke: #cf222e; } .held { stroke: #1a7f37; }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; } .title { font-size: 16px; font-weight: 600; }
  polyline { fill: none; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } .text { fill: #e6edf3; } .faint { fill: #9198a1; } .line { stroke: #3d444d; }
    .good { stroke: #4493f8; } .bad { stroke: #f85149; } .held { stroke: #3fb950; }
  }
`;

export function svgOf(moments: readonly Moment[], heading: string): string {
  const steps = stepsOf(moments);
  const panels: readonly Panel[] = [
    { title: 'Commands', unit: 'a second', values: rates(steps, ({ commands }) => commands), colour: 'good' },
    { title: 'Commands that failed', unit: 'a second', values: rates(steps, ({ failed }) => failed), colour: 'bad' },
    {
      title: 'Memory of the clients after a forced collection',
      unit: 'MiB',
      values: steps.slice(1).map(({ heldBytes }) => heldBytes && heldBytes / MIB),
      colour: 'held',
    },
  ];
  const seconds = steps.at(-1)?.seconds ?? 0;
  const below = TOP + panels.length * (PANEL + GAP);
  const notes = heading.split('\n');
  const height = below + NOTE * notes.length + MARGIN / 2;
  const size = `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="Commands, failures and memory of a stress test">`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    text('In the storm', MARGIN, 34, 'text title'),
    ...panels.map((panel, at) => panelAt(panel, TOP + at * (PANEL + GAP), seconds)),
    ...notes.map((note, at) => text(note, MARGIN, below + at * NOTE, 'faint')),
    '</svg>\n',
  ].join('\n');
}

/** No more than can be seen, the first and the last among them. */
function stepsOf(moments: readonly Moment[]): readonly Moment[] {
  const every = Math.max(1, Math.ceil(moments.length / MOST_STEPS));
  return moments.filter((_, at) => (moments.length - 1 - at) % every === 0);
}

function rates(steps: readonly Moment[], of: (moment: Moment) => number): readonly number[] {
  return steps.slice(1).map((step, at) => {
    const before = steps[at]!;
    return (of(step) - of(before)) / Math.max(1, step.seconds - before.seconds);
  });
}

function panelAt({ title, unit, values, colour }: Panel, top: number, seconds: number): string {
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const width = WIDTH - LEFT - MARGIN;
  const bottom = top + PANEL;
  const x = (at: number): string => (LEFT + (at / Math.max(1, values.length - 1)) * width).toFixed(1);
  const points = values.flatMap((value, at) =>
    value === undefined ? [] : [`${x(at)},${(bottom - (value / most) * (PANEL - GAP / 2)).toFixed(1)}`],
  );
  const line = (y: number): string => `<line class="line" x1="${LEFT}" y1="${y}" x2="${WIDTH - MARGIN}" y2="${y}"/>`;
  const shown = most >= 10 ? Math.round(most).toLocaleString('en') : most.toFixed(1);
  return [
    text(`${title}, ${unit}`, LEFT, top + 8, 'text'),
    line(top + GAP / 2),
    line(bottom),
    text(shown, MARGIN, top + GAP / 2 + 4, 'faint'),
    text('0', MARGIN, bottom, 'faint'),
    text(`${(seconds / MINUTE).toFixed(seconds < 10 * MINUTE ? 1 : 0)} min`, WIDTH - MARGIN - 44, bottom + 14, 'faint'),
    `<polyline class="${colour}" points="${points.join(' ')}"/>`,
  ].join('\n');
}

function text(content: string, x: number, y: number, classes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text class="${classes}" x="${x}" y="${y.toFixed(0)}">${escaped}</text>`;
}
