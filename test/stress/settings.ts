// What can be set for a stress run: each number with its default, its range and what it means. The same names are flags
// and keys of a file.

export interface Setting {
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly meaning: string;
}

const share = (value: number, meaning: string): Setting => ({ value, least: 0, most: 1, meaning });
const ms = (value: number, meaning: string): Setting => ({ value, least: 0, most: 60_000, meaning });
const count = (value: number, meaning: string): Setting => ({ value, least: 1, most: 100_000, meaning });

/** By the names of the flags; those of a file have `_` in the place of `-`. */
export const settings = Object.freeze({
  minutes: { value: 3, least: 0.05, most: 20_160, meaning: 'how long Commands are sent' },
  seed: { value: 1, least: 0, most: 4_294_967_295, meaning: 'of all dice; chosen by chance unless it is given' },
  rate: count(3000, 'Commands a second, of all clients but the sessions and Go'),
  connections: count(4, 'connections of a client to each server'),
  'fail-prob': share(0.0001, 'share of Commands that fail'),
  'echo-prob': share(0.7, 'share of Commands with one Result; the rest are streams'),
  'max-stream-results': count(5, 'most Results of a stream'),
  'long-stream-prob': share(0.01, 'share of streams of up to 200 Results, which are taken slowly'),
  'large-prob': share(0.0005, 'share of Commands with one Result that have 32 to 256 KiB'),
  'deadline-prob': share(0.1, 'share of Commands with a time limit of 20 to 200 ms'),
  'cancel-prob': share(0.05, 'share of Commands that are given up after 0 to 50 ms, or in the middle of their stream'),
  'idempotent-prob': share(0.2, 'share of Commands that may be sent twice'),
  'slow-prob': share(0.1, 'share of Commands that the server takes its time for'),
  'work-max-ms': ms(100, 'most of that time'),
  sessions: count(10, 'callers that send one Command, and then pause'),
  'no-pause-prob': share(0.8, 'share of their Commands without a pause behind it'),
  'workload-pause-prob': share(0.19, 'share of those with a short pause; the rest have a long one'),
  'workload-pause-max-ms': ms(500, 'longest short pause'),
  'keepalive-pause-max-ms': ms(6000, 'longest long pause, beyond the time of a keepalive'),
  'keepalive-interval-ms': { ...ms(1000, 'time between pings'), least: 250 },
  'keepalive-timeout-ms': { ...ms(2000, 'how long a server may be silent'), least: 1000 },
  'fault-gap-max-ms': {
    ...ms(9000, 'longest time between two faults of a server; the shortest is a third'),
    least: 300,
  },
  'fault-max-ms': { ...ms(4000, 'longest fault'), least: 500 },
  'server-downtime-max-ms': ms(3000, 'longest time between the end of a server and the start of the next one'),
  'cb-window-size': count(10, 'of the circuit breaker of the sessions: outcomes that count'),
  'cb-failure-rate': { ...share(0.5, 'share of failures that opens the circuit'), least: 0.01 },
  'cb-open-duration-ms': { ...ms(3000, 'how long it stays open'), least: 1 },
  'cb-success-threshold': count(2, 'trial calls that close it'),
} satisfies Readonly<Record<string, Setting>>);

export type SettingName = keyof typeof settings;
export type Settings = Readonly<Record<SettingName, number>>;

export const settingNames = Object.keys(settings) as readonly SettingName[];

/** @throws {RangeError} for a name that there is not, or a value out of its range */
export function settingOf(name: string, text: string): readonly [SettingName, number] {
  if (!Object.hasOwn(settings, name)) throw new RangeError(`there is no setting "${name}"`);
  const key = name as SettingName;
  const { least, most } = settings[key];
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most) return [key, value];
  throw new RangeError(`${name} must be a number from ${least} to ${most}, not "${text}"`);
}

/** What has no other value has its default. */
export function settingsWith(given: Partial<Settings>): Settings {
  const defaults = Object.fromEntries(settingNames.map((name) => [name, settings[name].value]));
  return Object.freeze({ ...defaults, ...given }) as Settings;
}

/**
 * A file of settings: YAML, of which only `name: number`, comments and empty lines are understood.
 *
 * @throws {RangeError} for anything else
 */
export function settingsIn(text: string): Partial<Settings> {
  const given: Partial<Record<SettingName, number>> = {};
  for (const [at, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.replace(/(^|\s)#.*$/, '').trim();
    if (line === '' || line === '---') continue;
    const [, name, value] = /^([\w-]+)\s*:\s*(\S+)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new RangeError(`line ${at + 1} is not "name: number": ${whole}`);
    }
    const [key, number] = settingOf(name.replaceAll('_', '-'), value);
    given[key] = number;
  }
  return given;
}
