import type { Entry } from '#ledger'
import type { PredictionRow } from '#serving'
import type { Document } from '#shipping'

/** Elastic Common Schema, as of which the fields are. */
const ECS = { version: '8.11.0' }

export interface Author {
  readonly namespace: string
  /** Of this software. */
  readonly version: string
}

export type EcsDocument = Readonly<Record<string, unknown>>

/** A document in the words of the Elastic Common Schema; what that has no word for is below `orrery`. */
export function ecsOf(document: Document, author: Author): EcsDocument {
  return document.log === 'events'
    ? eventOf(document.entry, author)
    : predictionOf(document, author)
}

function commonOf(dataset: string, { namespace, version }: Author) {
  return {
    ecs: ECS,
    data_stream: { type: 'logs', dataset, namespace },
    service: { name: 'orrery', type: 'orrery', version },
  }
}

function eventOf(entry: Entry, author: Author): EcsDocument {
  const { type, position, actor, data } = entry
  const at = new Date(entry.atMs).toISOString()
  const outcome = outcomeOf(type)
  return {
    '@timestamp': at,
    ...commonOf('orrery.events', author),
    event: {
      kind: /^alert-(raised|cleared)$/.test(type) ? 'alert' : 'event',
      category: ['configuration'],
      type: [typeOf(type)],
      action: type,
      ...(outcome === undefined ? {} : { outcome }),
      id: String(position),
      sequence: position,
      dataset: 'orrery.events',
      module: 'orrery',
      created: at,
      original: JSON.stringify(data),
    },
    message: messageOf(type, data),
    user: { id: actor.id, roles: [actor.kind] },
    // Facts have fields of many names and types: as one field of the type `flattened` they make no conflicts.
    orrery: { event: { data } },
  }
}

/** Of the words that ECS allows for what happened. */
function typeOf(type: string): string {
  if (/-(added|created|registered|declared|logged|requested|raised)$/.test(type)) return 'creation'
  if (/-(removed|deleted|purged)$/.test(type)) return 'deletion'
  if (/-(started|begun|fired)$/.test(type)) return 'start'
  if (/-(ended|finished|completed|cleared)$/.test(type)) return 'end'
  if (/-(failed|fell|refused)$/.test(type)) return 'error'
  return /-(detected|evaluated|sealed|ticked)$/.test(type) ? 'info' : 'change'
}

function outcomeOf(type: string): 'success' | 'failure' | undefined {
  if (/-(failed|refused|rejected|aborted)$/.test(type)) return 'failure'
  return /-(completed|accepted|succeeded)$/.test(type) ? 'success' : undefined
}

function messageOf(type: string, data: Entry['data']): string {
  const subject = ['endpoint', 'model', 'run', 'project', 'pipelineRun', 'name']
    .map((name) => data[name])
    .find((value) => typeof value === 'string')
  const words = type.replaceAll('-', ' ')
  return typeof subject === 'string' ? `${words}: ${subject}` : words
}

function predictionOf(
  { endpoint, row }: { endpoint: string; row: PredictionRow },
  author: Author,
): EcsDocument {
  const { id, batch, revision, modelVersion, eventMs, atMs, latencyMs, key, label } = row
  return {
    '@timestamp': new Date(eventMs).toISOString(),
    ...commonOf('orrery.predictions', author),
    event: {
      kind: 'event',
      category: ['api'],
      type: ['info'],
      action: 'prediction',
      id,
      dataset: 'orrery.predictions',
      module: 'orrery',
      created: new Date(atMs).toISOString(),
      // Nanoseconds.
      duration: Math.round(latencyMs * 1e6),
    },
    message: `prediction of ${endpoint} by ${modelVersion}`,
    orrery: {
      endpoint,
      revision,
      model: { version: modelVersion },
      batch,
      ...(key === null ? {} : { key }),
      prediction: {
        inputs: row.inputs,
        outputs: row.outputs,
        ...numbersOf(row.outputs),
        ...(label === null ? {} : { label: String(label) }),
      },
    },
  }
}

/** The first output that is a number, for charts: `flattened` fields hold texts only. */
function numbersOf(outputs: PredictionRow['outputs']): { score?: number } {
  const score = Object.values(outputs).find(
    (value): value is number => typeof value === 'number' && Number.isFinite(value),
  )
  return score === undefined ? {} : { score }
}
