import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Problem } from '#base/problem'

const run = promisify(execFile)

export type Variables = Readonly<Record<string, string | undefined>>

/** The programs that environments are built with. */
export interface Workshop {
  readonly environment: Variables
  /** Only what is on this machine already may be used. */
  readonly offline: boolean
  /** Kept from one build to the next. */
  readonly stores: string
  say(line: string): void
  /** Runs a program whose lines are progress. Throws with the last of them when it fails. */
  work(command: readonly string[], how?: { cwd?: string; variables?: Variables }): Promise<void>
}

export interface WorkshopOptions {
  readonly environment: Variables
  readonly offline: boolean
  readonly stores: string
  readonly onProgress: (line: string) => void
  readonly signal: AbortSignal | undefined
  /** Marks all that is started, so that it is found when its builder was killed. */
  readonly mark: Readonly<Record<string, string>>
}

export function workshop(options: WorkshopOptions): Workshop {
  const environment = { ...cleaned(options.environment), ...options.mark }
  return {
    environment,
    offline: options.offline,
    stores: options.stores,
    say: options.onProgress,
    work: async (command, { cwd, variables } = {}) => {
      const [program = '', ...args] = command
      const child = spawn(program, args, {
        ...(cwd === undefined ? {} : { cwd }),
        env: { ...environment, ...variables },
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      })
      const last: string[] = []
      for (const stream of [child.stdout, child.stderr])
        createInterface({ input: stream }).on('line', (line) => {
          if (line.trim() === '') return
          last.push(line)
          if (last.length > 12) last.shift()
          options.onProgress(line)
        })
      const code = await new Promise<number | string>((resolve) => {
        child.on('error', (error) => resolve(error.message))
        child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'))
      })
      if (code !== 0)
        throw new Problem(
          'unavailable',
          `the environment could not be built: \`${[program, ...args.slice(0, 3)].join(' ')} …\` ended with ${code}\n${last.join('\n')}`,
        )
    },
  }
}

export async function succeeds(
  environment: Variables,
  command: readonly string[],
): Promise<boolean> {
  return (await printed(environment, command)) !== undefined
}

/** What a program prints; undefined when it cannot be run, or fails. */
export async function printed(
  environment: Variables,
  [program = '', ...args]: readonly string[],
): Promise<string | undefined> {
  try {
    return (await run(program, args, { env: environment, maxBuffer: 1 << 26 })).stdout
  } catch {
    return undefined
  }
}

/** Whether a program failed because it could reach nobody. */
export function isUnreachable(message: string): boolean {
  return /could not (connect|resolve)|failed to fetch|error sending request|dns error|connection (refused|error|broken|timed out)|timed? ?out|NewConnectionError|ConnectTimeout|network is unreachable|no such host|name or service not known|temporary failure in name/i.test(
    message,
  )
}

/** Another environment that happens to be active must not be what the new one is made of. */
function cleaned(environment: Variables): Variables {
  const {
    VIRTUAL_ENV: _active,
    CONDA_PREFIX: _conda,
    PYTHONHOME: _home,
    PYTHONPATH: _path,
    ...rest
  } = environment
  return rest
}
