import { spawnSync } from 'node:child_process'
import { isMainThread } from 'node:worker_threads'

/** Says to a process that it ends with its parent without looking after that itself. */
export const IS_BOUND = '--bound'

const BINDING = ['setpriv', '--pdeathsig', 'KILL'] as const

let found: readonly string[] | undefined

/**
 * What comes before a command so that the kernel ends it with the process that starts it, even if that is killed;
 * nothing where the system has no tool for it. A thread that looks for the parent costs ten megabytes instead.
 */
export function bound(): readonly string[] {
  // The kernel looks at the thread that started it, which of all threads only the main one is sure to outlive.
  found ??= isMainThread && works() ? BINDING : []
  return found
}

function works(): boolean {
  const [tool, ...options] = BINDING
  return spawnSync(tool, [...options, 'true'], { stdio: 'ignore' }).status === 0
}
