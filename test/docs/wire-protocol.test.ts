// Plays what docs/wire-protocol.md shows: its numbers against the writer, its sessions against the sample's server.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ByteWriter } from '../../lib/wire/byte-writer.js';
import { calcContract } from '../../sample/01-calc/calc.contract.js';
import { CalcModule } from '../../sample/01-calc/server.js';
import { NestServer } from '../e2e/nest-server.js';
import { projectRoot } from '../support/project.js';
import { guardLeaks } from '../support/leak-guard.js';
import { codeBlocks, tableRows, type CodeBlock } from './markdown.js';

const own = guardLeaks();
const path = 'docs/wire-protocol.md';
const page = { path, text: readFileSync(join(projectRoot, path), 'utf8') };
const blocks = codeBlocks(page);

interface Line {
  readonly from: 'C' | 'S';
  readonly hex: string;
  readonly body: string;
  readonly remark: string;
}

/** `C->S  01 00 01 35      5`: who sends, the bytes, what they mean. */
function linesOf({ lines }: CodeBlock): readonly Line[] {
  return lines.map((line) => {
    const [, from = '', bytes = '', remark = ''] = /^([CS])->[CS] {2}([\da-f]+(?: [\da-f]+)*)(?: {2,}(.*))?$/.exec(
      line,
    )!;
    const body = Buffer.from(bytes.split(' ')[3] ?? '', 'hex').toString();
    return { from: from as 'C' | 'S', hex: bytes.replaceAll(' ', ''), body, remark };
  });
}

const transcripts = blocks.filter(({ lines }) => lines.some((line) => /^[CS]->/.test(line)));
const sessions = transcripts.filter(({ section }) => section === '7. Sessions').map(linesOf);

describe('the page on the wire protocol', () => {
  it('shows numbers as they are written', () => {
    const rows = tableRows(page, 'Number', 'Bytes');
    expect(rows.length).toBeGreaterThan(5);
    const written = rows.map(([number = '']) => {
      const [, power, less] = /^2\^(\d+)-(\d+)$/.exec(number) ?? [];
      const writer = new ByteWriter();
      writer.writeUvarint(power ? 2n ** BigInt(power) - BigInt(less!) : BigInt(number));
      return [number, writer.take().toString('hex')];
    });
    expect(written).toEqual(rows);
  });

  it.each(sessions.map((lines) => [lines[1]!.remark, lines] as const))(
    'shows a session as it happens: %s',
    async (_, lines) => {
      const server = own(
        await NestServer.listen({ module: { imports: [CalcModule] }, options: { contract: calcContract } }),
      );
      const peer = own(await server.connect());
      let received = '';
      for (const { from, hex } of lines) {
        if (from === 'C') peer.write(hex);
        else await peer.receivesBytes((received += hex).length / 2);
      }
      await peer.receives(received);
    },
  );

  it('says what its bytes mean', () => {
    expect(sessions).toHaveLength(2);
    for (const { body, remark } of transcripts.flatMap(linesOf)) expect(remark).toContain(body);
  });

  it('takes its examples from its sessions', () => {
    const bytes = sessions.flat().map(({ hex }) => hex);
    const examples = transcripts.flatMap(linesOf).map(({ hex }) => hex);
    const [, greeting] = blocks.filter(({ section }) => section === '3. ServerInfo').map(({ lines }) => lines.join(''));
    expect(bytes).toEqual(expect.arrayContaining([...examples, greeting?.replaceAll(' ', '')]));
  });
});
