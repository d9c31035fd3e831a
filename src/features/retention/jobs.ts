import type { NewJob } from '#work'

export const PURGE = 'purge-trash'

/** Has the trash purged and objects collected; `key` names the occasion, and one occasion is one sweep. */
export function purgeJob(key: string, collection?: string): NewJob {
  return {
    kind: PURGE,
    key: `${PURGE} ${key}`,
    payload:
      collection === undefined ? { collect: 'if-purged' } : { collect: 'always', collection },
  }
}
