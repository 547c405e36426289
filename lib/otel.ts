// The door "nestjs-cmd-stream/otel": traces and metrics, which need @opentelemetry/api.
export { otel } from './otel/otel-instrumentation.js';
export type { OtelOptions, OtelSubject } from './otel/otel-options.js';
export type { CallOutcome, Instrumentation, ObservedCommand } from './instrumentation/instrumentation.js';
