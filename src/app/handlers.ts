import type { Handler } from '#work'
import type { Parts } from './features.ts'

/** How each kind of job is done. */
export function handlersOf(_parts: Parts): readonly Handler[] {
  return []
}
