import type { HookConfig } from '#projects'

/** A branch that was moved to a commit. */
export interface Push {
  readonly branch: string
  readonly commit: string
}

const PUSH_EVENTS: Readonly<Record<HookConfig['from'], string>> = {
  github: 'push',
  gitea: 'push',
  gitlab: 'Push Hook',
  hmac: 'push',
}

/** The push that a body tells of; undefined for another event, for a tag, and for a branch that was removed. */
export function pushIn(from: HookConfig['from'], event: string, body: unknown): Push | undefined {
  if (event !== PUSH_EVENTS[from] || typeof body !== 'object' || body === null) return undefined
  const { ref, after, checkout_sha: checkout } = body as Record<string, unknown>
  const branch = typeof ref === 'string' ? /^refs\/heads\/(.{1,200})$/.exec(ref)?.[1] : undefined
  const commit = typeof after === 'string' ? after : checkout
  if (branch === undefined || typeof commit !== 'string') return undefined
  return /^[0-9a-f]{40,64}$/.test(commit) && !/^0+$/.test(commit) ? { branch, commit } : undefined
}
