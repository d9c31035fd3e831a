import type { Logger as PinoLogger } from 'pino'

/** Structured logging as the platform uses it: pino, one JSON object a line. */
export type Logger = PinoLogger
