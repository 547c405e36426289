import { Command, defineContract, Result, type ServiceOf, StreamCommand } from 'nestjs-cmd-stream';

export class Sum extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

export class Prime extends Result {
  constructor(readonly value = 0) {
    super();
  }
}

export class Add extends Command<Sum> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

export class Sub extends Command<Sum> {
  constructor(
    readonly a = 0,
    readonly b = 0,
  ) {
    super();
  }
}

export class Primes extends StreamCommand<Prime> {
  constructor(readonly count = 0) {
    super();
  }
}

// The order is part of the wire format: position = type number. Append only.
export const calcContract = defineContract({ commands: [Add, Sub, Primes], results: [Sum, Prime] });

// The names are those of the methods, for people: they do not travel.
export const calcMethods = { add: Add, sub: Sub, primes: Primes };

export type CalcService = ServiceOf<typeof calcMethods>;
