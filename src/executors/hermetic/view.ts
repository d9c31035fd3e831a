import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { SYSTEM } from './system.ts'

/** Secrets among the system's settings, which no stage needs. */
const HIDDEN = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers']

/** Graphics cards, where there are any. */
const CARDS = /^(?:nvidia.*|dri|kfd|davinci.*|hisi_hdc)$/

/** Words for bubblewrap that make a room with nothing but the system in it, read only, and a life of its own. */
export function roomOf({ network }: { readonly network: boolean }): string[] {
  return [
    // Who may do everything is refused nothing; here he may not.
    ...(process.getuid?.() === 0 ? ['--cap-drop', 'ALL'] : ['--unshare-user-try']),
    '--unshare-pid',
    '--unshare-ipc',
    ...(network ? [] : ['--unshare-net']),
    ...SYSTEM.flatMap((path) => (MADE.has(path) ? [] : systemPath(path))),
    ...HIDDEN.flatMap((path) => (existsSync(path) ? ['--ro-bind', '/dev/null', path] : [])),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/run',
    '--symlink',
    '../run',
    '/var/run',
    ...cards(),
    // Names of machines are looked up as told here, where the network is the machine's own.
    ...(network ? ['--ro-bind-try', '/run/systemd/resolve', '/run/systemd/resolve'] : []),
  ]
}

/** What the room makes of its own. */
const MADE = new Set(['/proc', '/dev', '/run', '/var/run'])

/** On most systems `/bin` is a link into `/usr`. */
function systemPath(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return []
  return found.isSymbolicLink()
    ? ['--symlink', readlinkSync(path), path]
    : ['--ro-bind', path, path]
}

function cards(): string[] {
  return namesIn('/dev').flatMap((name) =>
    CARDS.test(name) ? ['--dev-bind', `/dev/${name}`, `/dev/${name}`] : [],
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

type Variables = Readonly<Record<string, string | undefined>>

/** Variables of the user that every stage gets: what names programs, languages and places to compute. */
const PASSED =
  /^(?:PATH|SHELL|USER|LOGNAME|TERM|COLORTERM|NO_COLOR|LANG|LANGUAGE|LC_\w+|TZ|LD_LIBRARY_PATH|CUDA_\w+|NVIDIA_\w+|ROCR?_\w+|HIP_\w+|MLFLOW_\w+|ORRERY_(?:DATE|START|END|INTERVAL|PART)\w*)$/

/** Of the user's variables those that every stage gets, and those that this one names. */
export function passedVariables(variables: Variables, named: readonly string[]): Variables {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => PASSED.test(name) || named.includes(name)),
  )
}

/**
 * Asks programs not to tell their makers of their use, which many do unless they are asked: it would be a call to the
 * network, and files of theirs, that no stage could declare.
 */
export const DISCREET: Variables = {
  DO_NOT_TRACK: 'true',
  HF_HUB_DISABLE_TELEMETRY: '1',
  MLFLOW_DISABLE_TELEMETRY: 'true',
  ORT_DISABLE_TELEMETRY: '1',
}
