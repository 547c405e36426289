// Law: imports lead down the rungs, and each package stays in the rooms that may know it.
import { describe, expect, it } from '@jest/globals';
import { doorsOf } from './doors.js';
import { emptyRooms, rungViolations } from './rungs.js';
import { readLib, readPackage } from '../support/project.js';

const doors = ['lib/core.ts'];

function violations(path: string, text: string): readonly string[] {
  return rungViolations([{ path, text }], doors);
}

describe('the rungs', () => {
  it.each([
    ['a room above', 'lib/wire/frame.ts', `import { GroupConnection } from '../client/link.js';`],
    ['a type of a room above', 'lib/wire/frame.ts', `import type { GroupConnection } from '../client/link.js';`],
    ['a type in place', 'lib/wire/frame.ts', `let link: import('../client/link.js').GroupConnection;`],
    ['a re-export', 'lib/wire/frame.ts', `export { GroupConnection } from '../client/link.js';`],
    ['a late import', 'lib/wire/frame.ts', `const load = () => import('../client/link.js');`],
    ['the other side', 'lib/client/link.ts', `import type { ServerSession } from '../server/session.js';`],
    ['the other side', 'lib/server/session.ts', `import type { GroupConnection } from '../client/link.js';`],
    ['a codec of a door of its own', 'lib/client/link.ts', `import { musCodec } from '../mus/mus-codec.js';`],
    ['a door', 'lib/client/link.ts', `import { Command } from '../core.js';`],
    ['what is not in lib', 'lib/client/link.ts', `import { calc } from '../../sample/01-calc/calc.js';`],
    ['Nest', 'lib/server/session.ts', `import type { Server } from '@nestjs/microservices';`],
    ['rxjs', 'lib/client/link.ts', `import { Observable } from 'rxjs';`],
    ['sockets', 'lib/wire/frame.ts', `import { connect } from 'node:net';`],
  ])('refuse %s in %s', (_, path, text) => {
    expect(violations(path, text)).toHaveLength(1);
  });

  it('refuse a room they do not know', () => {
    expect(violations('lib/misc/thing.ts', '')).toEqual(['lib/misc/thing.ts: "misc" is on no rung']);
    expect(violations('lib/thing.ts', '')).toEqual(['lib/thing.ts: "thing" is on no rung']);
  });

  it.each([
    ['lib/wire/frame.ts', `import { Buffer } from 'node:buffer'; import { CmdStreamError } from '../errors.js';`],
    ['lib/connection/dial.ts', `import { connect } from 'node:net'; import { frame } from '../wire/frame.js';`],
    ['lib/nest/client.ts', `import { Observable } from 'rxjs'; import { GroupConnection } from '../client/link.js';`],
    [
      'lib/core.ts',
      `export { GroupConnection } from './client/link.js'; export { ServerSession } from './server/session.js';`,
    ],
  ])('let %s look down', (path, text) => {
    expect(violations(path, text)).toEqual([]);
  });

  it('know no room that is gone', () => {
    expect(emptyRooms(readLib())).toEqual([]);
    expect(emptyRooms([{ path: 'lib/wire/frame.ts', text: '' }])).toContain('codec');
    expect(emptyRooms([{ path: 'lib/wire/frame.ts', text: '' }])).not.toContain('wire');
  });

  it('hold in lib', () => {
    expect(rungViolations(readLib(), doorsOf(readPackage()))).toEqual([]);
  });
});
