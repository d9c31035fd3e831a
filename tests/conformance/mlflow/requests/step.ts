/** One request of a story that is told to two servers. */
export interface Step {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind `/api/2.0/mlflow/`, or from the root when it starts with a slash. */
  readonly path: string
  readonly query?: string
  readonly body?: unknown
  /** Sent as it is, instead of a body. */
  readonly raw?: string
  readonly type?: string
  /** Of a search only the names of the runs that it found, in their order. */
  readonly tell?: 'names'
  /** Names for values of the answer, by their paths: later steps write `{name}`. */
  readonly keep?: Readonly<Record<string, string>>
}

export const post = (path: string, body: unknown, more: Partial<Step> = {}): Step => ({
  method: 'POST',
  path,
  body,
  ...more,
})

export const get = (path: string, query = '', more: Partial<Step> = {}): Step => ({
  method: 'GET',
  path,
  query,
  ...more,
})

/** What a server answered to each step, with what differs from one day to the next taken out. */
export async function answersOf(url: string, steps: readonly Step[]): Promise<unknown[]> {
  const kept = new Map<string, string>()
  const answers: unknown[] = []
  for (const step of steps) {
    const answer = await send(url, step, kept)
    for (const [name, path] of Object.entries(step.keep ?? {})) {
      const value = at(answer.body, path)
      if (typeof value !== 'string')
        throw new Error(`${step.path} answered no ${path}: ${JSON.stringify(answer)}`)
      kept.set(name, value)
    }
    const told = plain(answer.body, kept)
    answers.push([answer.status, step.tell === 'names' ? namesIn(told) : told])
  }
  return answers
}

function namesIn(told: unknown): unknown {
  if (typeof told !== 'object' || told === null) return told
  const { runs = [] } = told as { runs?: { info: { run_name: string } }[] }
  return runs.map((run) => run.info.run_name)
}

async function send(url: string, step: Step, kept: ReadonlyMap<string, string>) {
  const fill = (text: string) =>
    text.replaceAll(/\{(\w+)\}/g, (all, name: string) => kept.get(name) ?? all)
  const path = step.path.startsWith('/') ? step.path : `/api/2.0/mlflow/${step.path}`
  const query = step.query === undefined || step.query === '' ? '' : `?${fill(step.query)}`
  const body = step.raw ?? (step.body === undefined ? undefined : JSON.stringify(step.body))
  const answer = await fetch(`${url}${fill(path)}${query}`, {
    method: step.method,
    ...(body === undefined
      ? {}
      : { body: fill(body), headers: { 'content-type': step.type ?? 'application/json' } }),
  })
  const text = await answer.text()
  try {
    return { status: answer.status, body: JSON.parse(text) as unknown }
  } catch {
    return { status: answer.status, body: 'no JSON' }
  }
}

/** Identifiers by their names, moments as such, refusals by their codes. Lists without an order are sorted. */
function plain(body: unknown, kept: ReadonlyMap<string, string>): unknown {
  const visit = (value: unknown, key: string, parent: string): unknown => {
    if (Array.isArray(value)) {
      const items = value.map((item) => visit(item, key, parent))
      const isUnordered = UNORDERED.has(key) || UNORDERED.has(`${parent}.${key}`)
      return isUnordered ? items.toSorted((a, b) => compare(textOf(a), textOf(b))) : items
    }
    if (typeof value === 'object' && value !== null) {
      const fields = Object.entries(value).filter(([field]) => !OF_NO_MATTER.has(field))
      const code = fields.find(([field]) => field === 'error_code')
      if (code !== undefined) return code[1]
      return Object.fromEntries(fields.map(([field, each]) => [field, visit(each, field, key)]))
    }
    if (typeof value === 'number' && value > 1.7e12 && value < 1e13) return 'a moment'
    return typeof value === 'string' ? plainText(value, key, kept) : value
  }
  return visit(body, '', '')
}

function plainText(value: string, key: string, kept: ReadonlyMap<string, string>): string {
  if (key === 'next_page_token' && value !== '') return 'a token'
  if (/^[a-z]+-[a-z]+-\d{1,3}$/.test(value)) return 'a generated name'
  let text = value
  for (const [name, id] of kept)
    if (id.length > 8) text = text.replaceAll(id, `{${name}}`)
    else if (text === id && /^experiment_?id$/i.test(key)) text = `{${name}}`
  text = text
    .replace(/^mlflow-artifacts:\/\d+(?=\/|$)/, 'mlflow-artifacts:/{experiment}')
    .replaceAll(/[0-9a-f]{32}/g, 'an id')
  if (/^experiment_?id$/i.test(key) && /^[1-9]\d*$/.test(text)) return 'an id'
  // A list in a text is the same with other spaces.
  if (text.startsWith('[{')) return textOf(JSON.parse(text))
  return text.length > 300 ? `${text.slice(0, 20)}… of ${text.length}` : text
}

/** Lists whose order no server promises. */
const UNORDERED = new Set([
  'tags',
  'params',
  'data.metrics',
  'dataset_summaries',
  'aliases',
  'latest_versions',
  'datasetSummaries',
  'model_inputs',
  'model_outputs',
])
/** Fields that we leave out: a workspace is another product's, and some tell what is told elsewhere too. */
const OF_NO_MATTER = new Set([
  'workspace',
  'effective_trace_archival_retention',
  'sqlstate',
  'error_class',
  'user_id',
])

/** The same text for the same value, whatever the order of its fields. */
export function textOf(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? ''
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).toSorted(([a], [b]) => compare(a, b))
  return Object.fromEntries(fields.map(([key, each]) => [key, sorted(each)]))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((each, part) => (each as Record<string, unknown> | undefined)?.[part], value)
}
