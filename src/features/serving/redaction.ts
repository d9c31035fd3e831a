import { Problem } from '#base/problem'
import type { Declaration } from './endpoint.ts'

/** Throws `invalid` for a declaration whose monitor reads what its log must not hold. */
export function checkRedaction({ name, monitor, log }: Declaration): void {
  const read = new Set([monitor?.key, monitor?.window.by])
  const column = log?.redact.find((each) => read.has(each))
  if (column !== undefined)
    throw new Problem(
      'invalid',
      `endpoint ${name} redacts the column ${column}, which its monitor reads as ${column === monitor?.key ? 'the key of the entity' : 'the time of the event'}; redact others, or let the monitor do without it`,
    )
}
