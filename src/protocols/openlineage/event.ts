import { createHash } from 'node:crypto'
import { Problem } from '#base/problem'
import { canonicalJson, type Json } from '#base/json'
import type {
  DatasetEvent,
  Facets,
  JobEvent,
  Name,
  OutsideEvent,
  RunChange,
  RunEvent,
  TaggedName,
  UsedDataset,
} from '#elsewhere'

// Events of OpenLineage 2 as its specification requires them; what it does not name is kept where it is a facet.

type Thing = Readonly<Record<string, Json>>

const NAMESPACE_CHARS_MAX = 1024
const NAME_CHARS_MAX = 4096
const PRODUCER_CHARS_MAX = 1024
const DATASETS_MAX = 2000
const DEPTH_MAX = 64
/** Of one thing in one event. */
const FACETS_MAX = 200

const CHANGE: Readonly<Record<string, RunChange>> = {
  START: 'started',
  RUNNING: 'running',
  COMPLETE: 'completed',
  FAIL: 'failed',
  ABORT: 'aborted',
  OTHER: 'other',
}

/** The event that a body is. Throws `invalid` with the field that is wrong. */
export function eventIn(body: unknown): OutsideEvent {
  assertShallow(body)
  const event = thing(body as Json, 'the event')
  const told = {
    digest: createHash('sha256').update(canonicalJson(event)).digest('hex'),
    atMs: moment(event.eventTime, 'eventTime'),
    producer: uri(event.producer, 'producer'),
  }
  uri(event.schemaURL, 'schemaURL')
  if (event.run !== undefined) return runEvent(event, told)
  if (event.job !== undefined) return jobEvent(event, told)
  if (event.dataset !== undefined)
    return {
      kind: 'dataset',
      ...told,
      dataset: tagged(event.dataset, 'dataset'),
    } satisfies DatasetEvent
  throw wrong(
    'the event',
    'has neither "run" and "job", nor "job", nor "dataset"; one of these tells what it is about',
  )
}

type Told = Pick<RunEvent, 'digest' | 'atMs' | 'producer'>

function runEvent(event: Thing, told: Told): RunEvent {
  const run = thing(event.run, 'run')
  const facets = facetsIn(run.facets, 'run.facets')
  return {
    kind: 'run',
    ...told,
    change: changeIn(event.eventType),
    run: { id: uuid(run.runId, 'run.runId'), facets },
    job: tagged(event.job, 'job'),
    parent: parentIn(facets.parent),
    error: errorIn(facets.errorMessage),
    inputs: datasets(event.inputs, 'inputs', 'inputFacets'),
    outputs: datasets(event.outputs, 'outputs', 'outputFacets'),
  }
}

function jobEvent(event: Thing, told: Told): JobEvent {
  return {
    kind: 'job',
    ...told,
    job: tagged(event.job, 'job'),
    inputs: datasets(event.inputs, 'inputs', 'inputFacets'),
    outputs: datasets(event.outputs, 'outputs', 'outputFacets'),
  }
}

function changeIn(value: Json | undefined): RunChange {
  // The specification lets it be left out.
  if (value === undefined || value === null) return 'other'
  const change =
    typeof value === 'string' && Object.hasOwn(CHANGE, value) ? CHANGE[value] : undefined
  if (change !== undefined) return change
  throw wrong(
    'eventType',
    `is ${shown(value)}; it must be one of ${Object.keys(CHANGE).join(', ')}`,
  )
}

function datasets(
  value: Json | undefined,
  at: string,
  useFacets: 'inputFacets' | 'outputFacets',
): UsedDataset[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw wrong(at, `is ${shown(value)}; it must be a list of datasets`)
  const list = value as readonly Json[]
  if (list.length > DATASETS_MAX)
    throw wrong(at, `has ${list.length} datasets; at most ${DATASETS_MAX} are taken in one event`)
  return list.map((each, index) => {
    const { namespace, name, facets } = tagged(each, `${at}[${index}]`)
    const own = thing(each, `${at}[${index}]`)[useFacets]
    return {
      namespace,
      name,
      facets,
      ofUse: facetsIn(own, `${at}[${index}].${useFacets}`),
      version: textIn(facets.version, 'datasetVersion'),
      aliases: aliasesIn(facets.symlinks),
    }
  })
}

function tagged(value: Json | undefined, at: string): TaggedName {
  const { namespace, name, facets } = thing(value, at)
  return {
    namespace: text(namespace, `${at}.namespace`, NAMESPACE_CHARS_MAX),
    name: text(name, `${at}.name`, NAME_CHARS_MAX),
    facets: facetsIn(facets, `${at}.facets`),
  }
}

/** Facets of any name, each an object: who made them and what they mean is between others. */
function facetsIn(value: Json | undefined, at: string): Facets {
  if (value === undefined || value === null) return {}
  const facets = thing(value, at)
  const names = Object.keys(facets)
  if (names.length > FACETS_MAX)
    throw wrong(at, `has ${names.length} facets; at most ${FACETS_MAX} are taken`)
  for (const name of names) thing(facets[name], `${at}.${name.slice(0, 100)}`)
  return facets
}

function parentIn(facet: Json | undefined): RunEvent['parent'] {
  if (facet === undefined) return null
  const at = 'run.facets.parent'
  const { run, job } = thing(facet, at)
  const { namespace, name } = tagged(job, `${at}.job`)
  return { id: uuid(thing(run, `${at}.run`).runId, `${at}.run.runId`), job: { namespace, name } }
}

const ERROR_CHARS_MAX = 10_000

function errorIn(facet: Json | undefined): string | null {
  return textIn(facet, 'message')?.slice(0, ERROR_CHARS_MAX) ?? null
}

function textIn(facet: Json | undefined, field: string): string | null {
  const value = isThing(facet) ? facet[field] : undefined
  return typeof value === 'string' && value !== '' ? value : null
}

/** Names that cannot be read are no names: what was told with them is still true. */
function aliasesIn(facet: Json | undefined): Name[] {
  const identifiers = isThing(facet) ? facet.identifiers : undefined
  if (!Array.isArray(identifiers)) return []
  return (identifiers as readonly Json[]).slice(0, 20).flatMap((each) => {
    const { namespace, name } = isThing(each) ? each : {}
    return typeof namespace === 'string' && typeof name === 'string' ? [{ namespace, name }] : []
  })
}

function thing(value: Json | undefined, at: string): Thing {
  if (isThing(value)) return value
  throw wrong(at, value === undefined ? 'is missing' : `is ${shown(value)}; it must be an object`)
}

function isThing(value: Json | undefined): value is Thing {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: Json | undefined, at: string, charsMax: number): string {
  if (value === undefined) throw wrong(at, 'is missing')
  if (typeof value !== 'string' || value === '')
    throw wrong(at, `is ${shown(value)}; it must be a text that is not empty`)
  if (value.length > charsMax)
    throw wrong(at, `has ${value.length} characters; at most ${charsMax} are taken`)
  // No database keeps the first, and no terminal shows the others.
  // oxlint-disable-next-line no-control-regex
  if (/[\0-\x1f\x7f]/.test(value))
    throw wrong(at, `is ${shown(value)}; it must have no control characters`)
  return value
}

function uri(value: Json | undefined, at: string): string {
  const given = text(value, at, PRODUCER_CHARS_MAX)
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(given)) return given
  throw wrong(at, `is ${shown(given)}; it must be a URI`)
}

function uuid(value: Json | undefined, at: string): string {
  const given = text(value, at, 100)
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given)) return given.toLowerCase()
  throw wrong(at, `is ${shown(given)}; it must be a UUID`)
}

/** RFC 3339, as the specification says; a time of a day that is none is refused. */
const MOMENT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
/** The last moment that a JavaScript date can tell with four digits for its year. */
const LAST_MS = Date.UTC(9999, 11, 31)

function moment(value: Json | undefined, at: string): number {
  const given = text(value, at, 100)
  const ms = MOMENT.test(given) ? Date.parse(given.replace(' ', 'T')) : Number.NaN
  if (Number.isFinite(ms) && ms >= 0 && ms <= LAST_MS) return ms
  throw wrong(
    at,
    `is ${shown(given)}; it must be a time with its zone, as 2026-01-31T12:00:00.000Z`,
  )
}

/** All that reads it after this calls itself. */
function assertShallow(value: unknown): void {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX)
      throw wrong('the event', `is nested deeper than ${DEPTH_MAX} levels; send it flatter`)
    level = level.flatMap((each) =>
      typeof each === 'object' && each !== null ? Object.values(each) : [],
    )
  }
}

function wrong(at: string, what: string): Problem {
  return new Problem('invalid', `${at} ${what}`)
}

function shown(value: Json): string {
  const json = JSON.stringify(value)
  return json.length > 100 ? `${json.slice(0, 100)}…` : json
}
