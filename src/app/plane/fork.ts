import { fork, type ChildProcess } from 'node:child_process'
import module from 'node:module'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bound, IS_BOUND } from '#base/bound'
import { environment } from '../settings/environment.ts'

let early: ChildProcess | undefined

/** Has the plane's process load its code while the server loads its own; it waits to be begun, and ends with this one. */
export function forkEarly(): void {
  if (early !== undefined) return
  early = start()
  // A server that does not start after all must not be kept by it.
  early.unref()
  early.channel?.unref()
}

/** A process of the plane that nobody has begun yet. */
export function forked(): ChildProcess {
  const waiting = early
  early = undefined
  if (waiting?.connected !== true) return start()
  waiting.ref()
  waiting.channel?.ref()
  return waiting
}

function start(): ChildProcess {
  // The folder that is given has one of its own for this Node in it, and is inherited by the processes of models.
  const compiled = module.getCompileCacheDir()
  const cached = compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) }
  const binding = bound()
  const [execPath, ...execArgv] = [...binding, process.execPath]
  return fork(entry(), binding.length > 0 ? [IS_BOUND] : [], {
    env: { ...environment, ...cached },
    serialization: 'advanced',
    execPath,
    execArgv: [...execArgv, '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

/** In a checkout the file is TypeScript and Node strips its types; in a build it is JavaScript. */
function entry(): string {
  return fileURLToPath(new URL(`./process${extname(import.meta.url)}`, import.meta.url))
}
