// The chart that a run writes.
import { describe, expect, it } from '@jest/globals';
import { svgChart } from './chart.js';

const bars = [
  { label: 'slow', value: 1000, isOurs: false },
  { label: 'ours <&>', value: 4000, isOurs: true },
];
const svg = svgChart({ title: 'Calls "per second"', subtitle: 'echo', notes: ['node 20'], bars });

describe('the chart', () => {
  it('has the longest bar first, and the others in proportion', () => {
    expect(svg.indexOf('>ours')).toBeLessThan(svg.indexOf('>slow'));
    const widths = [...svg.matchAll(/class="(?:ours|other)" x="\d+" y="\d+" width="([\d.]+)"/g)].map(
      ([, width]) => width,
    );
    expect(widths).toHaveLength(2);
    expect(Number(widths[0]) / Number(widths[1])).toBeCloseTo(4, 2);
  });

  it('says the values and what is ours, and escapes what would be markup', () => {
    expect(svg).toContain('>4,000</text>');
    expect(svg).toMatch(/class="ours"[^>]*\/>\n<text[^>]*>4,000/);
    expect(svg).toContain('>ours &lt;&amp;&gt;</text>');
    expect(svg).toContain('aria-label="Calls &quot;per second&quot;: echo"');
    expect(svg).toContain('>node 20</text>');
  });

  it('breaks long notes behind commas, and loses nothing of them', () => {
    const versions = Array.from({ length: 30 }, (_, at) => `package-${at} 1.${at}.0`).join(', ');
    const long = svgChart({ title: '', subtitle: '', notes: [versions, 'short'], bars });
    const lines = [...long.matchAll(/class="faint note"[^>]*>([^<]*)</g)].map(([, line]) => line!);
    expect(lines.join(' ')).toBe(`${versions} short`);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(130);
    expect(lines.length).toBeGreaterThan(3);
  });

  it('has colours for light and for dark', () => {
    const [light, dark] = svg.split('@media (prefers-color-scheme: dark)') as [string, string];
    for (const name of ['ground', 'text', 'faint', 'ours', 'other']) {
      expect(light).toContain(`.${name} {`);
      expect(dark).toContain(`.${name} {`);
    }
  });
});
