// A bar chart as SVG: one bar for each value, the longest first. Its colours follow the reader's light or dark scheme,
// on a ground of its own, so that it can be read wherever it is shown.

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** In the colour that stands out. */
  readonly isOurs: boolean;
}

export interface Chart {
  readonly title: string;
  /** In smaller letters below it. */
  readonly subtitle: string;
  /** In small letters below: machine, versions, command. */
  readonly notes: readonly string[];
  readonly bars: readonly Bar[];
}

const WIDTH = 860;
const MARGIN = 24;
const LABELS = 270;
const VALUES = 90;
const ROW = 28;
const BAR = 18;
const TOP = 76;
const NOTE = 18;
const NOTE_LETTERS = 130;

const style = `
  .ground { fill: #ffffff; } .text { fill: #1f2328; } .faint { fill: #59636e; } .ours { fill: #0a69da; } .other { fill: #afb8c1; }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; } .title { font-size: 16px; font-weight: 600; }
  .note { font-size: 11px; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } .text { fill: #e6edf3; } .faint { fill: #9198a1; } .ours { fill: #4493f8; } .other { fill: #4a525c; }
  }
`;

export function svgChart({ title, subtitle, notes: wholeNotes, bars }: Chart): string {
  const notes = wholeNotes.flatMap(wrapped);
  const sorted = bars.toSorted((a, b) => b.value - a.value);
  const longest = sorted[0]?.value ?? 1;
  const height = TOP + sorted.length * ROW + MARGIN + notes.length * NOTE;
  const rows = sorted.map((bar, at) => barRow(bar, TOP + at * ROW, longest));
  const below = TOP + sorted.length * ROW + MARGIN;
  const small = notes.map((note, at) => text(note, MARGIN, below + at * NOTE, 'faint note'));
  const size = `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escaped(`${title}: ${subtitle}`)}">`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    text(title, MARGIN, 34, 'text title'),
    text(subtitle, MARGIN, 56, 'faint'),
    ...rows,
    ...small,
    '</svg>\n',
  ].join('\n');
}

function barRow({ label, value, isOurs }: Bar, y: number, longest: number): string {
  const most = WIDTH - 2 * MARGIN - LABELS - VALUES;
  const width = Math.max(1, (value / longest) * most);
  const baseline = y + 14;
  const end = MARGIN + LABELS + width;
  const bar = `<rect class="${isOurs ? 'ours' : 'other'}" x="${MARGIN + LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`;
  const shown = Math.round(value).toLocaleString('en');
  return [text(label, MARGIN, baseline, 'text'), bar, text(shown, end + 8, baseline, 'faint')].join('\n');
}

/** Breaks a note behind commas into lines that fit. */
function wrapped(note: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of note.split(/(?<=, )/)) {
    if (line !== '' && line.length + part.length > NOTE_LETTERS) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += part;
  }
  return [...lines, line];
}

function text(content: string, x: number, y: number, classes: string): string {
  return `<text class="${classes}" x="${x.toFixed(0)}" y="${y}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
