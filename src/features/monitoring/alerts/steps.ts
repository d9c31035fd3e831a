/** One run of a step that makes data: a stage of a pipeline. */
export interface StepRun {
  readonly state: 'running' | 'succeeded' | 'failed' | 'killed' | 'up-to-date' | 'restored'
  readonly reason: string | null
  /** Null where nothing ran, or where it is not known any more. */
  readonly command: string | null
  readonly params: Readonly<Record<string, string>>
  readonly environment: string | null
  /** The digest of what it read and of what it wrote, by path. */
  readonly reads: Readonly<Record<string, string>>
  readonly writes: Readonly<Record<string, string>>
}

/** Of one sort so many changes are named; how many more there are is counted. */
const NAMED_MAX = 3
const TEXT_CHARS_MAX = 80

/** What a step did otherwise than the time before, in words; nothing where it did the same. */
export function stepChanges(now: StepRun, before: StepRun | undefined): string[] {
  if (now.state === 'failed' || now.state === 'killed')
    return [`it ${now.state === 'failed' ? 'failed' : 'was stopped'}${reasonOf(now)}`]
  if (before === undefined || now.state === 'up-to-date' || now.state === 'running') return []
  const writes = named(now.writes, before.writes, (path, is, was) =>
    was === undefined ? `writes ${path}` : is === undefined ? `does not write ${path}` : path,
  )
  if (now.state === 'restored')
    return writes.length === 0 ? [] : [`it was put back as it was once: ${writes.join(', ')}`]
  // One that failed or came from the cache tells of less than one that ran.
  const ran = before.command !== null && now.command !== null
  const changes = [
    ...(ran && now.command !== before.command
      ? [`its command is "${short(now.command)}", was "${short(before.command)}"`]
      : []),
    ...(ran
      ? named(
          now.params,
          before.params,
          (name, is, was) => `${name} is ${short(is ?? null)}, was ${short(was ?? null)}`,
        )
      : []),
    ...(ran ? named(now.reads, before.reads, readsOtherwise) : []),
    ...(ran && now.environment !== before.environment ? ['it ran in another environment'] : []),
  ]
  if (changes.length > 0 || writes.length === 0) return changes
  return [`it wrote other data than before, of the same inputs: ${writes.join(', ')}`]
}

function readsOtherwise(path: string, is: string | undefined, was: string | undefined): string {
  if (is === undefined) return `it does not read ${path} any more`
  return was === undefined ? `it reads ${path}, too` : `it read another version of ${path}`
}

type Say = (name: string, is: string | undefined, was: string | undefined) => string

function named(
  now: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
  say: Say,
): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted()
  const changed = names.filter((name) => now[name] !== before[name])
  const more = changed.length - NAMED_MAX
  return [
    ...changed.slice(0, NAMED_MAX).map((name) => say(name, now[name], before[name])),
    ...(more > 0 ? [`${more} more`] : []),
  ]
}

function reasonOf({ reason }: StepRun): string {
  return reason === null || reason === '' ? '' : `: ${short(reason)}`
}

function short(text: string | null): string {
  if (text === null) return 'not set'
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`
}
