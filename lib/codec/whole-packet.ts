// A whole packet as a custom Nest serializer made it: it travels instead of the value it wraps, and the other side's
// deserializer unwraps it.
export class WholePacket {
  constructor(readonly packet: unknown) {}
}
