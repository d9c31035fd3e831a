import { execFile } from 'node:child_process'
import { isAbsolute } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '#base/problem'
import { environment } from '../settings/config.ts'
import { withoutCredentials } from '#base/credentials'

const run = promisify(execFile)

/**
 * Runs git without prompts, hooks or the transports that run commands. Gives its output; a failure is an
 * `invalid` problem with git's own last words.
 */
export async function git(
  folder: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const { stdout } = await run(
      'git',
      [
        '-c',
        'protocol.ext.allow=never',
        '-c',
        'core.hooksPath=/dev/null',
        '-c',
        'gc.auto=0',
        ...args,
      ],
      {
        cwd: folder,
        maxBuffer: 64 * 1024 * 1024,
        env: { ...environment, ...variables, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C.UTF-8' },
      },
    )
    return stdout
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    const words = withoutCredentials((stderr ?? message).trim().split('\n').slice(-3).join(' '))
    throw new Problem('invalid', `git ${args[0] ?? ''} failed: ${words}`)
  }
}

/** Refuses origins that git would take for an option or that would run a command. */
export function checkedOrigin(origin: string): string {
  if (
    isAbsolute(origin) ||
    /^(https?|ssh|file):\/\//.test(origin) ||
    /^[\w.-]+@[\w.-]+:/.test(origin)
  )
    return origin
  throw new Problem(
    'invalid',
    `${JSON.stringify(withoutCredentials(origin))} is no repository address; give an absolute path, or an https or ssh URL`,
  )
}
