/** Of what kind the things are that a command is told by name. */
type Kind = 'stages' | 'data' | 'data-or-stages' | 'endpoints' | 'models' | 'projects'

const KINDS: Readonly<Record<string, Kind>> = {
  repro: 'data-or-stages',
  status: 'data-or-stages',
  commit: 'data-or-stages',
  checkout: 'data-or-stages',
  push: 'data-or-stages',
  pull: 'data-or-stages',
  fetch: 'data-or-stages',
  remove: 'data-or-stages',
  rm: 'data-or-stages',
  dag: 'stages',
  freeze: 'stages',
  unfreeze: 'stages',
  unprotect: 'data',
  update: 'data',
  profile: 'data',
  drift: 'data',
  validate: 'data',
  endpoint: 'endpoints',
  endpoints: 'endpoints',
  rollout: 'endpoints',
  traffic: 'endpoints',
  predict: 'endpoints',
  explain: 'endpoints',
  feedback: 'endpoints',
  alerts: 'endpoints',
  models: 'models',
  history: 'models',
  alias: 'models',
  promote: 'models',
  replay: 'models',
  project: 'projects',
  datasets: 'projects',
  run: 'projects',
  backfill: 'projects',
}

/** Their first word is what to do, which the parser knows. */
const ACTION_FIRST: ReadonlySet<string> = new Set(['endpoint', 'rollout', 'project', 'datasets'])

/**
 * Names of what there is in the project or on the server that could stand where the last of `words` is being typed.
 * `words` begin with the command.
 */
export async function namesFor(words: readonly string[]): Promise<string[]> {
  const [command = ''] = words
  const current = words.at(-1) ?? ''
  const before = ACTION_FIRST.has(command) ? 2 : 1
  if (words.length <= before || current.startsWith('-')) return []
  const found = new Set(await known(command))
  return [...found].filter((name) => name.startsWith(current)).toSorted()
}

/** Nothing where there is no project, or no server answers at once: who presses a key wants no error. */
async function known(command: string): Promise<string[]> {
  const kind = Object.hasOwn(KINDS, command) ? KINDS[command] : undefined
  if (kind === undefined) return []
  try {
    return kind === 'endpoints' || kind === 'models' || kind === 'projects'
      ? await onServer(kind)
      : await inProject(kind)
  } catch {
    return []
  }
}

async function inProject(kind: 'stages' | 'data' | 'data-or-stages'): Promise<string[]> {
  const { calledIn } = await import('./workspace.ts')
  const here = calledIn()
  const { stages, tracked } = await here.pipelines.load()
  const names = stages
    .map(({ address }) => address)
    .map((address) => address.replace(`${here.folder}/dvc.yaml:`, ''))
  // Of what a loop makes, the loop's own name stands for all of it.
  const groups = names.flatMap((name) => (name.includes('@') ? [name.split('@')[0] ?? ''] : []))
  const paths = tracked.flatMap(({ path, owner }) => [here.shown(path), here.shown(owner.file)])
  return [...(kind === 'data' ? [] : [...names, ...groups]), ...(kind === 'stages' ? [] : paths)]
}

/** A shell waits for its completions. */
const SERVER_MS = 400

async function onServer(kind: 'endpoints' | 'models' | 'projects'): Promise<string[]> {
  const { serverUrl } = await import('./client.ts')
  const response = await fetch(`${await serverUrl({})}/api/v1/${kind}`, {
    signal: AbortSignal.timeout(SERVER_MS),
  })
  const answer = (await response.json()) as Record<string, unknown>
  const listed = answer[kind]
  if (!Array.isArray(listed)) return []
  return (listed as { name?: unknown }[]).flatMap(({ name }) =>
    typeof name === 'string' ? [name] : [],
  )
}
