import { servingHandlers } from '#serving'
import type { Handler } from '#work'
import type { Parts } from './features.ts'
import { governingHandlers } from './governing.ts'

/** How each kind of job is done. */
export function handlersOf(parts: Parts): readonly Handler[] {
  return [
    ...servingHandlers(parts.serving),
    parts.monitoring.handler,
    parts.webhookHandler,
    parts.retention.handler,
    ...governingHandlers(parts, parts),
  ]
}
